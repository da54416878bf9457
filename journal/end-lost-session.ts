/** Ends a session whose run Temporal no longer has. What is open in it is only known after a look, so the end looks again under the lock. */
import { PerdureError } from '../contracts/perdure-error.ts';
import type { SessionDetails } from '../contracts/projections/session.ts';
import { isClosed } from '../contracts/session-state.ts';
import { addSpend, NO_SPEND, type Spend } from '../contracts/usage.ts';
import type { GroupCommit, Urgency } from './group-commit.ts';
import type { SessionId } from '../contracts/ids.ts';
import { endLost, type LostRun } from './operations/end-lost.ts';
import type { SeenTurn } from './operations/seal.ts';
import type { SessionRow } from './port.ts';
import { sessionRow } from './session-row.ts';
import { reach, type Store } from './store.ts';
import type { SessionRecord } from './tables.ts';

type Lost = Pick<SessionRow, 'sessionId' | 'lifeSeq'>;

/** Temporal repeats what fails. */
const AT_ONCE: Urgency = { urgent: true, patienceMs: 0 };

export async function endLostSession(
  store: Store,
  commits: GroupCommit,
  lost: Lost,
): Promise<SessionRow> {
  for (;;) {
    const record = await recordOf(store, lost);
    const { lifeSeq } = JSON.parse(record.details) as SessionDetails;
    if (isClosed(record.state) || lifeSeq !== lost.lifeSeq) return sessionRow(record);
    const operation = endLost(await lookAt(store, record));
    await commits.submit(operation, AT_ONCE);
  }
}

async function recordOf(
  store: Store,
  { sessionId }: Pick<Lost, 'sessionId'>,
): Promise<SessionRecord> {
  const record = await reach(store, (db) =>
    db.selectFrom('sessions').selectAll().where('id', '=', sessionId).executeTakeFirst(),
  );
  if (record) return record;
  throw new PerdureError('not_found', `There is no session ${sessionId}.`);
}

async function lookAt(store: Store, record: SessionRecord): Promise<LostRun> {
  const { queue, lifeSeq } = JSON.parse(record.details) as SessionDetails;
  return {
    sessionId: record.id,
    life: lifeSeq,
    queue,
    open: await turnOf(store, record),
  };
}

/** The turn that is open in a session; undefined where none is. */
export const seenTurn = async (store: Store, sessionId: SessionId): Promise<SeenTurn | undefined> =>
  turnOf(store, await recordOf(store, { sessionId }));

async function turnOf(store: Store, record: SessionRecord): Promise<SeenTurn | undefined> {
  const { turn } = JSON.parse(record.details) as SessionDetails;
  if (turn === null) return undefined;
  const steps = await reach(store, (db) =>
    db
      .selectFrom('steps')
      .select(['step', 'spend'])
      .where('session_key', '=', record.key)
      .where('turn', '=', turn)
      .orderBy('step')
      .execute(),
  );
  const spends = steps.map(({ spend }) => JSON.parse(spend) as Spend);
  const turnSpend = spends.slice(0, -1).reduce(addSpend, NO_SPEND);
  return { sessionId: record.id, turn, step: steps.at(-1)?.step ?? 1, turnSpend };
}
