/** Everything that can be said to a session: synchronous, never throwing, registered before the first await. */
import {
  ApplicationFailure,
  CancellationScope,
  currentUpdateInfo,
  setHandler,
} from '@temporalio/workflow';
import * as decisions from './decisions.ts';
import * as messages from './messages.ts';
import { liveStatus } from './status.ts';
import { queueView, type Session } from './state.ts';

export function registerHandlers(session: Session): void {
  setHandler(messages.userMessage, (message) => decisions.receive(session, message, Date.now()));
  setHandler(messages.toolResult, (notice) => decisions.noteToolNews(session, notice));
  setHandler(messages.interruptTurn, (request) => decisions.interrupt(session, request));
  setHandler(messages.stopSession, () => decisions.stop(session));
  setHandler(messages.status, () => liveStatus(session));
  setHandler(messages.pendingCalls, () => [...(session.turn?.pending ?? [])]);
  setHandler(messages.queue, () => queueView(session));
  registerUpdates(session);
  // A cancellation from Temporal's UI or command line means what a stop means.
  CancellationScope.current().cancelRequested.catch(() => decisions.stop(session));
}

function registerUpdates(session: Session): void {
  setHandler(
    messages.editQueue,
    (request) => {
      decisions.editQueue(session, request, update());
      return queueView(session);
    },
    { validator: (request) => refuse(decisions.refuseEdit(session, request)) },
  );
  setHandler(messages.reconfigure, (change) => decisions.reconfigure(session, change, update()), {
    validator: (change) => refuse(decisions.refuseReconfiguration(session, change)),
  });
}

const update = () => ({ id: currentUpdateInfo()?.id ?? '', now: Date.now() });

/** A validator's refusal enters no history. */
function refuse(refusal: decisions.Refusal | undefined): void {
  if (refusal) throw ApplicationFailure.nonRetryable(refusal.message, refusal.code);
}
