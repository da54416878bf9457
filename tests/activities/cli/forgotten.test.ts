/** Programs whose session was terminated in Temporal, and says nothing: they end all the same (D4). */
import { expect, test, vi } from 'vitest';
import { newId } from '../../../contracts/ids.ts';
import type { SessionId } from '../../../contracts/ids.ts';
import { BASH } from '../../support/programs/described.ts';
import { ask, hostOf } from './started.ts';
import type { Stage } from './started.ts';

const MONTH_MS = 30 * 86_400_000;
const untilLeft = (stage: Stage, programs: number) =>
  vi.waitFor(() => expect(stage.host.size).toBe(programs), { timeout: 60_000, interval: 20 });

test('a program that nobody asks is ended when the idle limit of its session is over, and not while it answers', async () => {
  await using stage = await hostOf(BASH, { forgetting: { everyMs: 10, beyondIdleMs: 20 } });
  const start = (idleMs: number) =>
    stage.host.start(
      {
        ...{ sessionId: newId('ses'), provider: 'it', instructions: '', workspace: null },
        ...{ conversation: undefined, idleMs },
      },
      new AbortController().signal,
    );
  const { programId } = await start(86_400_000);
  const busy = stage.host.inUse({ programId, idleMs: 1 });
  await start(1);
  await untilLeft(stage, 1);
  const program = stage.host.find(programId);
  expect((await ask(program!, 'echo here')).text).toBe('here\n');
  busy[Symbol.dispose]();
  await untilLeft(stage, 0);
  expect(await stage.directories()).toEqual([]);
});

test('one whose session has no open run is ended long before; one that runs, or of which Temporal does not say, stays', async () => {
  const sessions = { over: newId('ses'), open: newId('ses'), unknown: newId('ses') };
  const asked: SessionId[] = [];
  const isOver = async (sessionId: SessionId): Promise<boolean> => {
    asked.push(sessionId);
    if (sessionId === sessions.unknown) throw new Error('Temporal is away');
    return sessionId === sessions.over;
  };
  const forgetting = { everyMs: 10, askEveryMs: 20 };
  await using stage = await hostOf(BASH, { forgetting, isOver });
  const start = (sessionId: SessionId) => stage.start({ sessionId, idleMs: MONTH_MS });
  const others = [await start(sessions.unknown), await start(sessions.open)];
  await start(sessions.over);
  await untilLeft(stage, 2);
  const before = asked.length;
  await vi.waitFor(() => expect(asked.length).toBeGreaterThan(before + 4), { timeout: 60_000 });
  for (const program of others) expect((await ask(program, 'echo here')).text).toBe('here\n');
});
