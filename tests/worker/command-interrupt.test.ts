import { readdir, readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { stage } from './stage.ts';

/** How many processes of this machine have the mark in their command lines. */
async function marked(mark: string): Promise<number> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(
    pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')),
  );
  return lines.filter((line) => line.includes(mark)).length;
}

it.each(['interrupt', 'stop'] as const)(
  'a command of a session tells what it says while it runs, and an %s ends it with everything that it started (D4)',
  async (end) => {
    await using on = await stage();
    await using folder = await temporaryFolder();
    const { catalogue } = on.settings;
    const assistant = { ...catalogue.agents['assistant']!, tools: ['run_command'] };
    const settings = { ...on.settings, catalogue: { ...catalogue, agents: { assistant } } };
    const worker = await on.worker({ settings });
    const mark = `98${process.pid}${Date.now() % 1_000_000}`;
    const command = `nohup sleep ${mark} >/dev/null & echo under way; sleep ${mark}`;
    const { sessionId } = await on.ask(
      `call=run_command${JSON.stringify({ command })}`,
      folder.path,
    );
    const running = await on.follow(sessionId, ({ type }) => type === 'tool.progress');
    expect(running.at(-1)).toMatchObject({ data: { message: 'under way' } });
    expect(await marked(mark)).toBeGreaterThan(2);
    await on[end](sessionId);
    const events = await on.follow(sessionId, ({ type }) => type === 'turn.settled');
    expect(events.filter(({ type }) => type === 'tool.settled')).toMatchObject([
      { data: { name: 'run_command', outcome: 'interrupted' } },
    ]);
    await expect.poll(() => marked(mark), { timeout: 20_000 }).toBe(0);
    await worker.drain();
  },
);
