/** The queue that people see and edit. Pure. */
import type { Fact, IncomingMessage } from '../../contracts/activities.ts';
import type { MessageId } from '../../contracts/ids.ts';
import { MAX_QUEUED_MESSAGES } from '../../contracts/limits.ts';
import { edited, queued } from './facts.ts';
import type { QueueEditRequest, UserMessage } from './messages.ts';
import type { QueueEntry, Session } from './state.ts';

export const isFull = (session: Session): boolean =>
  session.queue.length + session.openers.length >= MAX_QUEUED_MESSAGES;

export function enqueue(
  session: Session,
  message: UserMessage,
  policy: QueueEntry['policy'],
): void {
  session.queue.push({ messageId: message.messageId, policy, unrecorded: 1 });
  session.outbox.push(queued(session, { ...message, policy }));
}

export const find = (session: Session, messageId: MessageId): QueueEntry | undefined =>
  session.queue.find((entry) => entry.messageId === messageId);

/** `editId` is the update's id. The entry is known to be there: the update's validator looked. */
export function edit(session: Session, request: QueueEditRequest, editId: string): void {
  const entry = find(session, request.messageId);
  if (!entry) return;
  const others = session.queue.filter((other) => other !== entry);
  if (request.action === 'remove') session.queue = others;
  else if (request.action === 'move') session.queue = others.toSpliced(request.position, 0, entry);
  else if (request.action === 'steer') entry.policy = 'steer';
  entry.unrecorded += 1;
  session.outbox.push(edited(request, editId));
}

/** Counts the facts about queued messages that are in the journal now. */
export function noteRecorded(session: Session, facts: readonly Fact[]): void {
  for (const { event } of facts) {
    if (event.type !== 'message.queued' && event.type !== 'message.edited') continue;
    const entry = find(session, event.data.messageId);
    if (entry) entry.unrecorded -= 1;
  }
}

const incoming = ({ messageId, policy }: QueueEntry): IncomingMessage => ({ messageId, policy });

/** The entry that opens the next turn: one that missed the turn it was to join, else the first. */
export const nextInQueue = (session: Session): QueueEntry | undefined =>
  session.queue.find((entry) => entry.policy === 'steer') ?? session.queue[0];

/** Takes the entry that opens the next turn. Undefined while the journal does not have all of it. */
export function takeOpener(session: Session): IncomingMessage | undefined {
  const opener = session.openers.shift();
  if (opener) return opener;
  const entry = nextInQueue(session);
  if (!entry || entry.unrecorded > 0) return undefined;
  session.queue = session.queue.filter((other) => other !== entry);
  return incoming(entry);
}

/** Takes the messages that join the open turn at its next step; one that is still being recorded joins the step after. */
export function takeSteering(session: Session): IncomingMessage[] {
  const joins = (entry: QueueEntry) => entry.policy === 'steer' && entry.unrecorded === 0;
  const taken = session.queue.filter(joins);
  if (taken.length > 0) session.queue = session.queue.filter((entry) => !joins(entry));
  return taken.map(incoming);
}
