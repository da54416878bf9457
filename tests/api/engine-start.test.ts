/** How long a program may take for a message, as its session's workflow is told. */
import { expect, test } from 'vitest';
import type { ApiDeps } from '../../api/deps.ts';
import { startOf } from '../../api/sessions/engine-start.ts';
import type { SessionRow } from '../../journal/port.ts';
import { load } from '../config/support.ts';

const row = { agent: 'coder', limits: {} } as SessionRow;

async function timeoutOf(program: object, timeouts: object = {}): Promise<number | undefined> {
  const yaml = JSON.stringify({
    cliProviders: { it: { preset: 'claude', ...program } },
    agents: { coder: { engine: { cli: 'it' } } },
    timeouts,
  });
  const settings = await load({ yaml });
  const deps = { settings, catalogue: settings.catalogue } as unknown as ApiDeps;
  return startOf(deps, row, { origin: 'start' }).start.engine?.timeoutMs;
}

test('a program has 5 minutes for a message where nothing is said, what its entry says, and 30 minutes at most', async () => {
  expect(await timeoutOf({})).toBe(300_000);
  expect(await timeoutOf({ timeoutMs: 60_000 })).toBe(60_000);
  expect(await timeoutOf({ timeoutMs: 1_800_000 })).toBe(1_800_000);
  const timeouts = { commandMs: 5_000, commandMaxMs: 10_000 };
  expect(await timeoutOf({}, timeouts)).toBe(5_000);
  expect(await timeoutOf({ timeoutMs: 60_000 }, timeouts)).toBe(10_000);
});
