import { randomUUID } from 'node:crypto';
import type { Part } from '../../contracts/content.ts';
import type { SessionId } from '../../contracts/ids.ts';
import type { QueueEdit, QueuedMessage } from '../../contracts/session.ts';
import type { QueuedRow } from '../../journal/port.ts';
import { isClosed } from '../../contracts/session-state.ts';
import type { QueueEditRequest } from '../../workflows/session/messages.ts';
import type { ApiContext } from '../context.ts';
import { NoOpenRun } from '../engine/engine-errors.ts';
import type { UpdateName } from '../engine/engine.ts';
import { acceptContent } from './content.ts';
import { digestOf } from './digest.ts';
import { settleLost } from './lost-run.ts';
import { closedError } from './send.ts';

/** 128 bits: a session carries a hundred of these from run to run. */
const DIGEST_CHARACTERS = 32;

type Waiting = Omit<QueuedRow, 'content'> & { content: Part[] };

/** From the journal, in the order in which an edit leaves it. A message that is to steer the open turn is taken before the others. */
export async function queueOf(
  { deps, principal }: ApiContext,
  sessionId: SessionId,
): Promise<{ sessionId: SessionId; messages: Waiting[] }> {
  await deps.access.find(principal, sessionId);
  const rows = await deps.journal.events.queued(sessionId);
  return { sessionId, messages: rows.map((row) => ({ ...row, content: [...row.content] })) };
}

/** @throws not_found where the message does not wait any more; worker_unavailable; session_closed */
export async function editQueue(
  ctx: ApiContext,
  sessionId: SessionId,
  edit: QueueEdit,
): Promise<{ sessionId: SessionId; messages: QueuedMessage[] }> {
  const { deps, principal, idempotencyKey } = ctx;
  const row = await deps.access.findForCommand(principal, sessionId);
  if (isClosed(row.state)) throw closedError(row);
  const request = await requestOf(ctx, edit);
  try {
    const update = updateNamed(idempotencyKey, { edit: request });
    const messages = await deps.engine.editQueue(sessionId, request, update);
    return { sessionId, messages: [...messages] };
  } catch (error) {
    throw error instanceof NoOpenRun ? closedError(await settleLost(deps, row)) : error;
  }
}

/** @param change what is asked for, under the name of the operation: the same key for another is a conflict */
export function updateNamed(idempotencyKey: string | undefined, change: object): UpdateName {
  if (idempotencyKey === undefined) return { id: randomUUID(), key: undefined };
  const key = digestOf(idempotencyKey).slice(0, DIGEST_CHARACTERS);
  return { id: `${key}-${digestOf(change).slice(0, DIGEST_CHARACTERS)}`, key };
}

async function requestOf(
  { deps, principal }: ApiContext,
  edit: QueueEdit,
): Promise<QueueEditRequest> {
  if (edit.action !== 'edit') return edit;
  return { ...edit, content: await acceptContent(deps, principal, edit.content) };
}
