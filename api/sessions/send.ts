import { deriveId, newId, type MessageId, type SessionId } from '../../contracts/ids.ts';
import { PerdureError } from '../../contracts/perdure-error.ts';
import type { SentMessage } from '../../contracts/session.ts';
import { isBusy, isClosed, type SessionState } from '../../contracts/session-state.ts';
import type { KnownMessage, SessionRow } from '../../journal/port.ts';
import type { UserMessage } from '../../workflows/session/messages.ts';
import { isJournalDown } from '../auth/keyring.ts';
import type { ApiContext } from '../context.ts';
import { NoOpenRun } from '../engine/engine-errors.ts';
import { acceptContent } from './content.ts';
import { digestOf } from './digest.ts';
import { startOf } from './engine-start.ts';
import { settleLost } from './lost-run.ts';
import { reopenWith } from './reopening.ts';

export interface Sent {
  readonly sessionId: SessionId;
  readonly messageId: MessageId;
  readonly state: SessionState;
  /** The session had it already: nothing was sent again. */
  readonly repeated: boolean;
}

/**
 * Temporal's acknowledgement is the durable point; the session's journal tells the rest.
 * @throws session_closed, session_busy (policy `reject`), idempotency_conflict, payload_too_large
 */
export async function sendMessage(
  ctx: ApiContext,
  sessionId: SessionId,
  input: SentMessage,
): Promise<Sent> {
  const { deps, principal } = ctx;
  const messageId = messageIdOf(ctx, sessionId, input);
  // Asked together: both are on the way to the first token.
  const [row, recorded] = await Promise.all([
    deps.access.findForCommand(principal, sessionId),
    recordedMessage(ctx, sessionId, messageId),
  ]);
  const message: UserMessage = {
    messageId,
    content: await acceptContent(deps, principal, input.content),
    policy: input.policy,
    ...(input.reopen && { reopen: true }),
  };
  const sending = { sessionId, messageId, digest: digestOf(message.content) };
  deps.messagesSent.refuseAnother(sending, recorded);
  deps.messagesSent.remember(sending);
  // Before anything else: the repeat of a message that was taken in is no new one, whatever has become of the session since.
  if (recorded) {
    if (isUnsettled(row, recorded)) await remind(ctx, row, remindedOf(message, recorded));
    return { sessionId, messageId, state: row.state, repeated: true };
  }
  const closed = isClosed(row.state);
  if (closed && !input.reopen) throw closedError(row);
  if (input.policy === 'reject' && isBusy(row.state)) throw busyError(row);
  if (closed) await reopenWith(deps, row, message);
  else await deliver(ctx, row, message);
  const state = isBusy(row.state) ? row.state : 'running';
  return { sessionId, messageId, state, repeated: false };
}

function messageIdOf(
  { principal, idempotencyKey }: ApiContext,
  sessionId: SessionId,
  { messageId }: SentMessage,
): MessageId {
  if (messageId) return messageId;
  return idempotencyKey === undefined
    ? newId('msg')
    : deriveId('msg', principal.tenant, sessionId, idempotencyKey);
}

/** Sending works without the journal: an id used twice then goes unnoticed here, and is dropped by the session. */
async function recordedMessage(
  { deps }: ApiContext,
  sessionId: SessionId,
  messageId: MessageId,
): Promise<KnownMessage | undefined> {
  try {
    return await deps.messagesSent.recorded(sessionId, messageId);
  } catch (error) {
    if (!isJournalDown(error)) throw error;
    return undefined;
  }
}

/** Its turn is open, or has not begun. */
const isUnsettled = ({ state, turn }: SessionRow, recorded: KnownMessage): boolean =>
  !isClosed(state) &&
  (recorded.state === 'waiting' || (recorded.state === 'accepted' && recorded.turn === turn));

/** What was decided about a message that the session was busy with stays decided; one that was accepted interrupts nothing any more. */
const remindedOf = ({ messageId, content }: UserMessage, recorded: KnownMessage): UserMessage => ({
  messageId,
  content,
  policy: recorded.state === 'waiting' ? recorded.policy : 'enqueue',
});

/**
 * Says again what the journal knows and Temporal may have forgotten: its data was restored from before the message. A session that knows
 * the message takes no notice; one that does not goes on with its turn where the journal says that it was.
 */
async function remind({ deps }: ApiContext, row: SessionRow, message: UserMessage): Promise<void> {
  try {
    await deps.engine.send(row.sessionId, message);
  } catch (error) {
    if (!(error instanceof NoOpenRun)) throw error;
    await settleLost(deps, row);
  }
}

async function deliver(ctx: ApiContext, row: SessionRow, message: UserMessage): Promise<void> {
  try {
    await ctx.deps.engine.send(row.sessionId, message);
  } catch (error) {
    if (!(error instanceof NoOpenRun)) throw error;
    await deliverWithoutRun(ctx, row, message);
  }
}

/**
 * The row is open, but no run is: either the start stopped between the row and Temporal, and is completed now; or the session ended a
 * moment ago, or Temporal has lost its run.
 */
async function deliverWithoutRun(
  ctx: ApiContext,
  row: SessionRow,
  message: UserMessage,
): Promise<void> {
  const { deps } = ctx;
  const { reopen: _, ...first } = message;
  if (row.state === 'starting' && (await beginWith(ctx, row, first))) return;
  const ended = await settleLost(deps, row);
  if (!message.reopen) throw closedError(ended);
  await reopenWith(deps, ended, message);
}

const beginWith = ({ deps }: ApiContext, row: SessionRow, message: UserMessage): Promise<boolean> =>
  deps.engine.start(startOf(deps, row, { origin: 'start', message }));

export const closedError = ({ sessionId, endReason }: SessionRow): PerdureError =>
  new PerdureError(
    'session_closed',
    `Session ${sessionId} has ended${endReason ? ` (${endReason})` : ''}: reopen it, or send with reopen: true.`,
  );

const busyError = ({ sessionId, state }: SessionRow): PerdureError =>
  new PerdureError('session_busy', `Session ${sessionId} is ${state}, and the policy is "reject".`);
