import { describe, expect, it } from 'vitest';
import type { PerdureEvent } from '../../contracts/events.ts';
import { startDevServer } from '../../servers/dev-server.ts';
import type { DevServer } from '../../servers/dev-server.ts';
import { SEARCH_ATTRIBUTE_TYPES } from '../../servers/search-attributes.ts';
import { isTemporalSetBack } from '../../worker/start.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { stage } from './stage.ts';
import type { Stage } from './stage.ts';

const isSettled = ({ type }: PerdureEvent): boolean => type === 'turn.settled';

/** Another server at the same address, which knows nothing. */
async function replace({ temporal }: Stage): Promise<DevServer> {
  await temporal.stop();
  await using folder = await temporaryFolder();
  return startDevServer({
    port: Number(temporal.address.split(':')[1]),
    searchAttributes: SEARCH_ATTRIBUTE_TYPES,
    logFile: `${folder.path}/temporal.log`,
  });
}

describe('a worker whose Temporal was gone for a moment', () => {
  it('goes on with what answers then, and drains as ever', async () => {
    await using on = await stage();
    const worker = await on.worker();
    await using _ = await replace(on);
    const { sessionId } = await on.ask('#word tokens=5');
    const events = await on.follow(sessionId, isSettled);
    expect(events.at(-1)).toMatchObject({ data: { outcome: 'completed' } });
    await expect.poll(() => worker.missing(), { timeout: 30_000 }).toEqual([]);
    await worker.drain();
    await expect(worker.ended).resolves.toBeUndefined();
  });

  it('asks for a fresh process where that knows nothing of what it has done', async () => {
    await using on = await stage({ drainMs: 100 });
    const worker = await on.worker();
    const { sessionId } = await on.ask('#word tokens=5');
    await on.follow(sessionId, isSettled);
    await using _ = await replace(on);
    const failure: unknown = await worker.ended.catch((error: unknown) => error);
    expect(isTemporalSetBack(failure)).toBe(true);
    expect(await worker.missing()).toContain('worker');
    await worker.drain();
  });

  it('drains also while nobody is there', async () => {
    await using on = await stage({ drainMs: 100 });
    const worker = await on.worker();
    await on.temporal.stop();
    await expect.poll(() => worker.missing(), { timeout: 30_000 }).toContain('worker');
    await worker.drain();
    await expect(worker.ended).resolves.toBeUndefined();
  });
});
