/** What a session costs in memory while it does nothing, and whether anything grows that should not. */
import type { BenchOptions } from '../main.ts';
import { inBatches } from '../load/batches.ts';
import type { SessionDriver } from '../load/driver.ts';
import type { Feed } from '../load/http.ts';
import { openSession, subscribe } from '../load/session.ts';
import type { OpenSession } from '../load/session.ts';
import { promptText } from '../model/script.ts';
import { figuresOf, say } from '../report.ts';
import type { Outcome, Row } from '../report.ts';
import type { Forked } from '../stack/fork.ts';
import { MEASURED, memoryKb } from '../stack/memory.ts';
import { startStack } from '../stack/stack.ts';
import type { Stack } from '../stack/stack.ts';
import { median } from '../statistics.ts';

const TEXT = promptText({ tokens: 20, perSecond: 0 });
const WARM_UP_TURNS = 200;
const FEW = 100;
const MANY = 1_000;
const FIGURES = [
  'worker_kb_per_idle_session',
  'api_kb_per_subscriber',
  'linearity_percent',
  'growth_500_turns_percent',
  'growth_10000_sessions_percent',
];

export async function run({ quick }: BenchOptions): Promise<Outcome> {
  await using stack = await startStack({ execArgv: MEASURED });
  const rows = [
    ...(await idleSessions(stack)),
    ...(await subscribers(stack, quick ? 300 : MANY)),
    ...(await longSession(stack, quick ? 100 : 500)),
    ...(await endedSessions(stack, quick ? 500 : 10_000)),
  ];
  return { figures: figuresOf(rows, FIGURES), rows };
}

interface Side {
  readonly process: Forked;
  readonly open: () => Promise<SessionDriver>;
}

/** Sessions that have had one turn and wait, with nobody connected; first a few, then many. */
async function idleSessions(stack: Stack): Promise<Row[]> {
  const ours = await perSession({
    process: stack.product.forked,
    open: async () => {
      const session = await openSession(stack.product.url);
      await session.turn(TEXT);
      session.unsubscribe();
      return session;
    },
  });
  const floor = await perSession({
    process: stack.floor.forked,
    open: async () => {
      const session = await stack.floor.start();
      await session.turn(TEXT);
      return session;
    },
  });
  return [
    { name: 'worker_kb_per_idle_session', value: ours.many, unit: 'kB', goal: { atMost: 450 } },
    {
      name: 'linearity_percent',
      value: Math.abs(ours.few / ours.many - 1) * 100,
      unit: '%',
      goal: { atMost: 20 },
    },
    { name: `kB a session at ${FEW}`, value: ours.few, unit: 'kB' },
    { name: 'floor: kB per idle session', value: floor.many, unit: 'kB' },
    { name: `floor: kB a session at ${FEW}`, value: floor.few, unit: 'kB' },
  ];
}

async function perSession({ process, open }: Side): Promise<{ few: number; many: number }> {
  await warmUp(open);
  const empty = await memoryKb(process);
  const opened = await inBatches(Array.from({ length: FEW }), open);
  const few = (await memoryKb(process)) - empty;
  opened.push(...(await inBatches(Array.from({ length: MANY - FEW }), open)));
  const many = (await memoryKb(process)) - empty;
  say(
    `process ${process.pid}: ${empty} kB empty, + ${few} kB with ${FEW}, + ${many} kB with ${MANY} sessions`,
  );
  await inBatches(opened, (session) => session.stop());
  return { few: few / FEW, many: many / MANY };
}

/** Fills what a process keeps anyway: code, pools, the heap's spare room. Its sessions have ended when this resolves. */
async function warmUp(open: () => Promise<SessionDriver>): Promise<void> {
  const sessions = await inBatches(Array.from({ length: WARM_UP_TURNS }), open);
  await inBatches(sessions, (session) => session.stop());
}

/** Plain SSE streams that have read the backlog and wait; one a session. */
async function subscribers(stack: Stack, count: number): Promise<Row[]> {
  const sessions: OpenSession[] = await inBatches(Array.from({ length: count }), async () => {
    const session = await openSession(stack.product.url);
    session.unsubscribe();
    return session;
  });
  const attach = () =>
    inBatches(sessions, ({ sessionId }) => subscribe(stack.product.url, sessionId, () => {}));
  const detach = (feeds: readonly Feed[]) => feeds.forEach((feed) => feed.close());
  detach(await attach());
  const found = [];
  for (let round = 0; round < 3; round += 1) {
    const without = await memoryKb(stack.product.forked);
    const feeds = await attach();
    found.push(((await memoryKb(stack.product.forked)) - without) / count);
    detach(feeds);
  }
  await inBatches(sessions, (session) => session.stop());
  say(`kB per subscriber, three rounds: ${found.map((kb) => kb.toFixed(1)).join(', ')}`);
  return [
    {
      name: 'api_kb_per_subscriber',
      value: Math.max(0, median(found)),
      unit: 'kB',
      goal: { atMost: 30 },
    },
  ];
}

async function longSession(stack: Stack, turns: number): Promise<Row[]> {
  const session = await openSession(stack.product.url);
  const warm = turns / 10;
  for (let turn = 0; turn < warm; turn += 1) await session.turn(TEXT);
  const early = await memoryKb(stack.product.forked);
  for (let turn = warm; turn < turns; turn += 1) await session.turn(TEXT);
  const late = await memoryKb(stack.product.forked);
  await session.stop();
  say(`${turns} turns: ${early} kB → ${late} kB`);
  return [
    {
      name: 'growth_500_turns_percent',
      value: Math.max(0, late / early - 1) * 100,
      unit: '%',
      goal: { atMost: 5 },
    },
  ];
}

async function endedSessions(stack: Stack, count: number): Promise<Row[]> {
  const once = async () => {
    const session = await openSession(stack.product.url);
    await session.turn(TEXT);
    await session.stop();
  };
  await inBatches(Array.from({ length: WARM_UP_TURNS }), once);
  const early = await memoryKb(stack.product.forked);
  await inBatches(Array.from({ length: count }), once);
  const late = await memoryKb(stack.product.forked);
  say(`${count} ended sessions: ${early} kB → ${late} kB`);
  return [
    {
      name: 'growth_10000_sessions_percent',
      value: Math.max(0, late / early - 1) * 100,
      unit: '%',
      goal: { atMost: 5 },
    },
  ];
}
