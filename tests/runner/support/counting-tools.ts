// A runner in a process of its own, whose tools tell a server outside of everything that they take effect: what is counted there happened.
import { createPerdureClient } from '../../../client/index.ts';
import type { Effect } from '../../../contracts/tools.ts';
import { startRunner } from '../../../runner/runner.ts';
import { openStateFolder } from '../../../runner/state-folder.ts';
import type { RunnerTool } from '../../../runner/tools.ts';

const [url = '', counter = '', name = '', folder = '', skewMs = '0', labels = '{}'] =
  process.argv.slice(2);

if (skewMs !== '0') {
  const real = Date.now;
  Date.now = () => real() + Number(skewMs);
}

/** Of those that are to take too long: long enough for a busy machine to tell so in a twentieth of it. */
const BRIEF_MS = 20_000;

const counting = (
  effect: Effect,
  more: { prefix?: string; timeoutMs?: number } = {},
): RunnerTool => ({
  name: `${more.prefix ?? ''}count_${effect.replace('-', '_')}`,
  ...(more.timeoutMs !== undefined && { timeoutMs: more.timeoutMs }),
  description: 'Counts.',
  inputSchema: {
    type: 'object',
    properties: { hold: { type: 'boolean' }, wait: { type: 'boolean' } },
  },
  effect,
  async execute({ callId, input, signal, progress }) {
    progress('counting', 0.5);
    if ((input as { wait?: boolean }).wait) await fetch(`${counter}/hold/${callId}`, { signal });
    const counted = await fetch(`${counter}/count/${callId}`, { method: 'POST', signal });
    if ((input as { hold?: boolean }).hold) await fetch(`${counter}/hold/${callId}`, { signal });
    return { counted: await counted.json() };
  },
});

const brief = (effect: Effect) => counting(effect, { prefix: 'brief_', timeoutMs: BRIEF_MS });

const big: RunnerTool = {
  name: 'big',
  description: 'Gives a long text.',
  inputSchema: { type: 'object', properties: { bytes: { type: 'integer' } } },
  effect: 'read',
  execute: ({ input }) => Promise.resolve('x'.repeat((input as { bytes: number }).bytes)),
};

const runner = startRunner({
  client: createPerdureClient({ url, retryForMs: Number.MAX_SAFE_INTEGER }),
  name,
  labels: JSON.parse(labels) as Record<string, string>,
  workdir: folder,
  state: openStateFolder(`${folder}/${name}`),
  tools: [
    counting('read'),
    counting('keyed'),
    counting('never-retry'),
    brief('read'),
    brief('keyed'),
    brief('never-retry'),
    big,
  ],
  permit: () => Promise.resolve(undefined),
  parallel: 20,
  version: '1',
  onReport: (report) => console.log(JSON.stringify(report)),
});
process.on('SIGTERM', () => runner.drain());
process.on('SIGINT', () => runner.quit());
await runner.done;
