import { expect, it } from 'vitest';
import type { ToolExecutor } from '../../activities/tools/executor.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { stage } from './stage.ts';

const NEVER_MS = 3_600_000;

/** A tool that ends only when it is stopped, and tells what stopped it. */
function endlessTool() {
  const began = Promise.withResolvers<void>();
  const stopped = Promise.withResolvers<unknown>();
  const executor: ToolExecutor = {
    execute: ({ signal }) => {
      signal.addEventListener('abort', () => stopped.resolve(signal.reason));
      began.resolve();
      return stopped.promise;
    },
  };
  return { executor, began: began.promise, stopped: stopped.promise };
}

it('a tool hears of an interrupt from the journal: it is stopped without a single heartbeat, and what it says then is not recorded', async () => {
  await using on = await stage();
  await using folder = await temporaryFolder();
  const tool = endlessTool();
  const timeouts = { ...on.settings.timeouts, heartbeatThrottleMs: NEVER_MS };
  const worker = await on.worker({
    settings: { ...on.settings, timeouts },
    tools: { executors: { worker: tool.executor } },
  });
  const { sessionId } = await on.ask('call=search_files{"query":"x"}', folder.path);
  await tool.began;
  await on.interrupt(sessionId);
  // `cancelled` is what a heartbeat's answer would have said.
  expect(await tool.stopped).toMatchObject({ name: 'Stopped', reason: 'sealed' });
  const events = await on.follow(sessionId, ({ type }) => type === 'turn.settled');
  expect(events.at(-1)).toMatchObject({ data: { outcome: 'interrupted' } });
  const settled = events.filter(({ type }) => type === 'tool.settled');
  expect(settled).toMatchObject([{ data: { name: 'search_files', outcome: 'interrupted' } }]);
  await worker.drain();
  const after = await on.journal.events.read(sessionId, { after: 0, limit: 1_000 });
  expect(after.events.filter(({ type }) => type === 'tool.settled')).toHaveLength(1);
});
