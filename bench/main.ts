/** `npm run bench -- NAME [--json] [--quick] [--profile FOLDER] [--count N]`. This process is the load generator; everything it measures runs in others. */
import { parseArgs } from 'node:util';
import { say, table } from './report.ts';
import type { BenchOptions, Outcome } from './report.ts';

const BENCHES: Readonly<
  Record<string, () => Promise<{ run: (options: BenchOptions) => Promise<Outcome> }>>
> = {
  turn: () => import('./benches/turn.ts'),
  stream: () => import('./benches/stream.ts'),
  history: () => import('./benches/history.ts'),
  memory: () => import('./benches/memory.ts'),
  poll: () => import('./benches/poll.ts'),
  tools: () => import('./benches/tools.ts'),
  // Parts of `tools`, which runs both.
  'tool-calls': () => import('./benches/tool-calls.ts'),
  programs: () => import('./benches/programs.ts'),
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    profile: { type: 'string' },
    count: { type: 'string' },
  },
});
const name = positionals[0] ?? '';
const load = BENCHES[name];
if (!load) {
  console.error(
    `Usage: npm run bench -- ${Object.keys(BENCHES).join(' | ')} [--json] [--quick] [--profile FOLDER] [--count N]`,
  );
  process.exit(2);
}
const { run } = await load();
const startedAt = Date.now();
const { figures, rows } = await run({
  quick: values.quick,
  profile: values.profile,
  count: values.count === undefined ? undefined : Number(values.count),
});
say(`took ${Math.round((Date.now() - startedAt) / 1_000)} s`);
console.log(`bench ${name}${values.quick ? ' (quick: not to be published)' : ''}`);
console.log(table(rows));
if (values.json) console.log(JSON.stringify({ bench: name, figures }));
// Keep-alive sockets to servers that are gone would hold the process for seconds.
process.exit(0);
