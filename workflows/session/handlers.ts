/** Everything that can be said to a session: synchronous, never throwing, registered before the first await. */
import {
  ApplicationFailure,
  CancellationScope,
  currentUpdateInfo,
  setHandler,
} from '@temporalio/workflow';
import * as inbox from './inbox.ts';
import * as messages from './messages.ts';
import { liveStatus } from './status.ts';
import { queueView, type Session } from './state.ts';

export function registerHandlers(session: Session): void {
  setHandler(messages.userMessage, (message) => inbox.receive(session, message, Date.now()));
  setHandler(messages.toolResult, (notice) => inbox.noteToolNews(session, notice));
  setHandler(messages.interruptTurn, (request) => inbox.interrupt(session, request));
  setHandler(messages.stopSession, () => inbox.stop(session));
  setHandler(messages.status, () => liveStatus(session));
  setHandler(messages.pendingCalls, () => [...(session.turn?.pending ?? [])]);
  setHandler(messages.queue, () => queueView(session));
  registerUpdates(session);
  // A cancellation from Temporal's UI or command line means what a stop means.
  CancellationScope.current().cancelRequested.catch(() => inbox.stop(session));
}

function registerUpdates(session: Session): void {
  setHandler(
    messages.editQueue,
    (request) => {
      inbox.editQueue(session, request, update());
      return queueView(session);
    },
    { validator: (request) => refuse(inbox.refuseEdit(session, request)) },
  );
  setHandler(messages.reconfigure, (change) => inbox.reconfigure(session, change, update()), {
    validator: (change) => refuse(inbox.refuseReconfiguration(session, change)),
  });
}

const update = () => ({ id: currentUpdateInfo()?.id ?? '', now: Date.now() });

/** A validator's refusal enters no history. */
function refuse(refusal: inbox.Refusal | undefined): void {
  if (refusal) throw ApplicationFailure.nonRetryable(refusal.message, refusal.code);
}
