/** Everything that can be said to a session, registered before the first await. Signals are synchronous and never throw. */
import {
  ApplicationFailure,
  CancellationScope,
  currentUpdateInfo,
  defineSignal,
  patched,
  setDefaultSignalHandler,
  setHandler,
} from '@temporalio/workflow';
import type { ProgramLeft } from '../../contracts/activities.ts';
import { decide, refuseDecision } from './approvals.ts';
import * as inbox from './inbox.ts';
import * as messages from './messages.ts';
import type { Run } from './run.ts';
import { queueView, type Session } from './state.ts';
import { liveStatus } from './status.ts';
import { isWarningOutdated, lifetimeEndsAt, withdrawWarning } from './timer.ts';
import * as updates from './updates.ts';

export function registerHandlers(run: Run): void {
  const { session } = run;
  registerSignals(session);
  setHandler(messages.status, () => liveStatus(session));
  setHandler(messages.pendingCalls, () => [...(session.turn?.pending ?? [])]);
  setHandler(messages.queue, () => queueView(session));
  registerUpdates(session);
  setHandler(messages.approvalDecision, (request) => decide(run, request, updateId()), {
    validator: (request) => refuse(refuseDecision(session, request)),
  });
  // A cancellation from Temporal's UI or command line means what a stop means.
  CancellationScope.current().cancelRequested.catch(() => inbox.stop(session));
}

function registerSignals(session: Session): void {
  const handlers: Readonly<Record<string, (said: never) => void>> = {
    [messages.userMessage.name]: (message: messages.UserMessage) => receive(session, message),
    [messages.toolResult.name]: (notice: messages.ToolResultNotice) =>
      inbox.noteToolNews(session, notice),
    [messages.interruptTurn.name]: (request: messages.InterruptRequest) =>
      inbox.interrupt(session, request),
    [messages.stopSession.name]: () => inbox.stop(session),
    [messages.reopenSession.name]: () => inbox.reopen(session),
    [messages.programLeft.name]: (left: ProgramLeft) => inbox.noteProgramLeft(session, left),
  };
  // What came before the first task is handed over here: all of it in its order, where a handler of its own only gets its own kind.
  if (session.start.signalsInOrder)
    setDefaultSignalHandler((name, said) => handlers[name]?.(said as never));
  for (const [name, handler] of Object.entries(handlers))
    setHandler(defineSignal<[never]>(name), handler);
}

function receive(session: Session, message: messages.UserMessage): void {
  // 2026-11-21: sessions before that dropped it as a repeat.
  if (inbox.isAnother(session, message) && patched('another-content-refused'))
    inbox.refuseAnother(session, message);
  // 2026-11-30: sessions before that dropped it unseen.
  else if (inbox.isOfEarlierRun(session, message) && patched('earlier-content-compared'))
    inbox.compareWithEarlier(session, message);
  else inbox.receive(session, message, Date.now());
}

function registerUpdates(session: Session): void {
  setHandler(
    messages.editQueue,
    (request, key) => {
      updates.editQueue(session, request, update(key));
      return queueView(session);
    },
    { validator: (request, key) => refuse(updates.refuseEdit(session, request, update(key))) },
  );
  setHandler(messages.reconfigure, (change, key) => reconfigure(session, change, update(key)), {
    validator: (change, key) => refuse(updates.refuseReconfiguration(session, change, update(key))),
  });
}

function reconfigure(
  session: Session,
  change: messages.Reconfiguration,
  update: updates.UpdateRef,
): messages.Reconfigured | undefined {
  const announced = lifetimeEndsAt(session);
  const reconfigured = updates.reconfigure(session, change, update);
  // 2026-11-21: sessions before that kept a warning whose end had moved, and with it the timer.
  if (isWarningOutdated(session, announced) && patched('outdated-warning-withdrawn'))
    withdrawWarning(session, announced);
  return reconfigured;
}

const updateId = (): string => currentUpdateInfo()?.id ?? '';

const update = (key: string | undefined): updates.UpdateRef => ({
  id: updateId(),
  key,
  now: Date.now(),
});

/** A validator's refusal enters no history. */
function refuse(refusal: updates.Refusal | undefined): void {
  if (refusal) throw ApplicationFailure.nonRetryable(refusal.message, refusal.code);
}
