/**
 * What a session costs in memory while it does nothing, and whether anything grows that should not. All figures are private resident
 * memory after a full collection; the live heap is told beside it, because only that says whose the growth is.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { inBatches } from '../load/batches.ts';
import type { SessionDriver } from '../load/driver.ts';
import type { Feed } from '../load/http.ts';
import { openSession, stopSession, subscribe } from '../load/session.ts';
import type { OpenSession } from '../load/session.ts';
import { promptText } from '../model/script.ts';
import { figuresOf, say } from '../report.ts';
import type { BenchOptions, Outcome, Row } from '../report.ts';
import type { Forked } from '../stack/fork.ts';
import { less, MEASURED, memoryOf } from '../stack/memory.ts';
import type { Memory } from '../stack/memory.ts';
import { startStack } from '../stack/stack.ts';
import type { Stack } from '../stack/stack.ts';
import { median } from '../statistics.ts';

const TEXT = promptText({ tokens: 20, perSecond: 0 });
const WARM_UP_SESSIONS = 200;
/**
 * Growth by ended sessions counts from here: SQLite's page caches are full, V8 has compiled what runs, and the C library has its free
 * memory (docs/performance.md has the curve). What came before is told beside the figure.
 */
const FULL_CACHES_SESSIONS = 2_000;
const FEW = 100;
const MANY = 1_000;
const FIGURES = [
  'worker_kb_per_idle_session',
  'api_kb_per_subscriber',
  'linearity_percent',
  'growth_500_turns_percent',
  'growth_10000_sessions_percent',
];

export async function run(options: BenchOptions): Promise<Outcome> {
  const rows = [...(await growing(options)), ...(await idle(options))];
  return { figures: figuresOf(rows, FIGURES), rows };
}

async function growing({ quick, profile }: BenchOptions): Promise<Row[]> {
  await using stack = await startStack({ execArgv: MEASURED });
  return [
    ...(await longSession(stack, quick ? 100 : 500)),
    ...(await endedSessions(stack, {
      full: quick ? WARM_UP_SESSIONS : FULL_CACHES_SESSIONS,
      count: quick ? 500 : 10_000,
      profile,
    })),
  ];
}

/** In processes of their own, without the room that thousands of ended sessions leave behind. */
async function idle({ quick }: BenchOptions): Promise<Row[]> {
  await using stack = await startStack({ execArgv: MEASURED });
  return [...(await idleSessions(stack)), ...(await subscribers(stack, quick ? 300 : MANY))];
}

interface Side {
  readonly process: Forked;
  readonly open: () => Promise<SessionDriver>;
}

/** Sessions that have had one turn and wait, with nobody connected; first a few, then many, beside those that warmed the process up. */
async function idleSessions(stack: Stack): Promise<Row[]> {
  const ours = await perSession(stack, {
    process: stack.product.forked,
    open: async () => {
      const session = await openSession(stack.product.url);
      await session.turn(TEXT);
      session.unsubscribe();
      return session;
    },
  });
  const floor = await perSession(stack, {
    process: stack.floor.forked,
    open: async () => {
      const session = await stack.floor.start();
      await session.turn(TEXT);
      return session;
    },
  });
  const [few, many] = [ours.few.residentKb, ours.many.residentKb];
  return [
    { name: 'worker_kb_per_idle_session', value: many, unit: 'kB', goal: { atMost: 450 } },
    {
      name: 'linearity_percent',
      value: Math.abs(few / many - 1) * 100,
      unit: '%',
      goal: { atMost: 20 },
    },
    { name: `kB a session at ${FEW}`, value: few, unit: 'kB' },
    { name: `live heap a session at ${FEW}`, value: ours.few.liveKb, unit: 'kB' },
    { name: `live heap a session at ${MANY}`, value: ours.many.liveKb, unit: 'kB' },
    { name: 'floor: kB per idle session', value: floor.many.residentKb, unit: 'kB' },
    { name: `floor: kB a session at ${FEW}`, value: floor.few.residentKb, unit: 'kB' },
    { name: `floor: live heap a session at ${MANY}`, value: floor.many.liveKb, unit: 'kB' },
  ];
}

async function perSession(
  stack: Stack,
  { process, open }: Side,
): Promise<{ few: Memory; many: Memory }> {
  // They stay: a hundred sessions fit into the room that ended ones leave behind, and would look cheaper than a thousand.
  const opened = await inBatches(Array.from({ length: WARM_UP_SESSIONS }), open);
  // The first look throws compiled code away that the next sessions compile again.
  await memoryOf(process);
  const empty = await memoryOf(process);
  say(`process ${process.pid}, ${WARM_UP_SESSIONS} to warm up: ${said(empty)}`);
  const added: Memory[] = [];
  for (let count = FEW; count <= MANY; count += FEW) {
    opened.push(...(await inBatches(Array.from({ length: FEW }), open)));
    const more = less(await memoryOf(process), empty);
    say(`process ${process.pid}, ${count} more: ${said(more)}`);
    added.push(each(more, count));
  }
  await inBatches(opened, (session) => end(stack, session));
  return { few: added[0]!, many: added.at(-1)! };
}

const each = ({ residentKb, liveKb, heapsKb }: Memory, count: number): Memory => ({
  residentKb: residentKb / count,
  liveKb: liveKb / count,
  heapsKb: heapsKb / count,
});

const said = ({ residentKb, liveKb, heapsKb }: Memory): string =>
  `${residentKb} kB (${liveKb} live, heaps ${heapsKb})`;

/** A stop is acknowledged before the session has ended; one that still ends would be measured as the start. */
async function end({ floor }: Stack, session: SessionDriver): Promise<void> {
  await session.stop();
  await floor.client.workflow.getHandle(session.workflowId).result();
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
  const found: Memory[] = [];
  for (let round = 0; round < 3; round += 1) {
    const without = await memoryOf(stack.product.forked);
    const feeds = await attach();
    found.push(each(less(await memoryOf(stack.product.forked), without), count));
    detach(feeds);
  }
  await inBatches(sessions, (session) => session.stop());
  const resident = found.map(({ residentKb }) => residentKb);
  say(`kB per subscriber, three rounds: ${resident.map((kb) => kb.toFixed(1)).join(', ')}`);
  return [
    {
      name: 'api_kb_per_subscriber',
      value: Math.max(0, median(resident)),
      unit: 'kB',
      goal: { atMost: 30 },
    },
    {
      name: 'live heap per subscriber',
      value: median(found.map(({ liveKb }) => liveKb)),
      unit: 'kB',
    },
  ];
}

async function longSession(stack: Stack, turns: number): Promise<Row[]> {
  await inBatches(Array.from({ length: WARM_UP_SESSIONS }), () => wholeSession(stack));
  const session = await openSession(stack.product.url);
  const warm = turns / 10;
  for (let turn = 0; turn < warm; turn += 1) await session.turn(TEXT);
  const early = await memoryOf(stack.product.forked);
  for (let turn = warm; turn < turns; turn += 1) await session.turn(TEXT);
  const late = await memoryOf(stack.product.forked);
  await session.stop();
  say(`${turns} turns: ${said(early)} → ${said(late)}`);
  return growth('500_turns', { early, late });
}

interface Ended {
  /** Sessions after which the caches of declared size are full. */
  readonly full: number;
  /** Sessions that end after those. */
  readonly count: number;
  /** Folder for heap snapshots of before and after; they take memory themselves, so the resident figures are then wrong. */
  readonly profile?: string | undefined;
}

async function endedSessions(stack: Stack, ended: Ended): Promise<Row[]> {
  const ours = await afterMany(
    { process: stack.product.forked, one: () => wholeSession(stack) },
    ended,
  );
  const floorSession = async () => {
    const session = await stack.floor.start();
    await session.turn(TEXT);
    await end(stack, session);
  };
  const { full, count } = ended;
  const floor = await afterMany(
    { process: stack.floor.forked, one: floorSession },
    { full, count },
  );
  return [
    ...growth('10000_sessions', ours),
    ...warmUpAndAll('ours', ours),
    {
      name: `floor: growth, ${count} sessions`,
      value: grownPercent(floor, 'residentKb'),
      unit: '%',
    },
    ...warmUpAndAll('floor', floor),
  ];
}

const warmUpAndAll = (side: string, { first, early, late }: Curve): Row[] => [
  { name: `${side}: after ${WARM_UP_SESSIONS} sessions`, value: first.residentKb, unit: 'kB' },
  { name: `${side}: with full caches`, value: early.residentKb, unit: 'kB' },
  { name: `${side}: at the end`, value: late.residentKb, unit: 'kB' },
];

interface Change {
  readonly early: Memory;
  readonly late: Memory;
}

interface Curve extends Change {
  /** After the warm-up that all parts have. */
  readonly first: Memory;
}

interface Load {
  readonly process: Forked;
  readonly one: () => Promise<void>;
}

/** Looks ten times on the way: growth that stops is a cache that fills, growth that goes on is a leak. */
async function afterMany({ process, one }: Load, { full, count, profile }: Ended): Promise<Curve> {
  const some = (sessions: number) => inBatches(Array.from({ length: sessions }), one);
  const look = async (when: string, snapshot?: string): Promise<Memory> => {
    const memory = await memoryOf(process, profile && snapshot && join(profile, snapshot));
    say(`process ${process.pid}, ${when}: ${said(memory)}`);
    return memory;
  };
  if (profile) await mkdir(profile, { recursive: true });
  await some(WARM_UP_SESSIONS);
  const first = await look(`${WARM_UP_SESSIONS} ended`);
  await some(full - WARM_UP_SESSIONS);
  const early = await look(`${full} ended`, 'before');
  let late = early;
  for (let tenth = 1; tenth <= 10; tenth += 1) {
    await some(count / 10);
    const snapshot = tenth === 10 ? 'after' : undefined;
    late = await look(`${full + (tenth * count) / 10} ended`, snapshot);
  }
  return { first, early, late };
}

/** Resolves once the session has said that it ended: a stop is acknowledged before. */
async function wholeSession({ product }: Stack): Promise<void> {
  const ended = Promise.withResolvers<void>();
  const session = await openSession(product.url, ({ type }) => {
    if (type === 'session.ended') ended.resolve();
  });
  await session.turn(TEXT);
  await stopSession(product.url, session.sessionId);
  await ended.promise;
  session.unsubscribe();
}

const grownPercent = ({ early, late }: Change, what: keyof Memory): number =>
  (late[what] / early[what] - 1) * 100;

const growth = (name: string, change: Change): Row[] => [
  {
    name: `growth_${name}_percent`,
    value: Math.max(0, grownPercent(change, 'residentKb')),
    unit: '%',
    goal: { atMost: 5 },
  },
  {
    name: `growth of the live heap, ${name.replace('_', ' ')}`,
    value: grownPercent(change, 'liveKb'),
    unit: '%',
  },
];
