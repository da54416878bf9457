/** What a session costs whose agent is a program (mission D6): its start, a command, an idle one, and what many leave behind. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { PerdureEvent } from '../../contracts/events.ts';
import { openSession } from '../load/session.ts';
import type { OpenSession } from '../load/session.ts';
import { clock } from '../model/script.ts';
import { figuresOf, say } from '../report.ts';
import type { BenchOptions, Outcome, Row } from '../report.ts';
import { cpuMsOf, descendantsOf, openHandles, residentMb } from '../stack/descendants.ts';
import { MEASURED, memoryOf } from '../stack/memory.ts';
import { startStack } from '../stack/stack.ts';
import type { Stack } from '../stack/stack.ts';
import { quantile } from '../statistics.ts';

const AGENT = 'shell';
const SESSIONS = 10_000;
const QUICK_SESSIONS = 50;
/** At once, while it is counted what they leave behind. */
const PARALLEL = 8;
/** Run before anything is counted. */
const FILLING_SHARE = 0.2;
const SAMPLES = 100;
const QUICK_SAMPLES = 20;
const WARM_UP = 5;
/** Idle at once, while it is measured what one takes. */
const IDLE = 20;
const IDLE_MS = 10_000;
const GAP_MS = 30;
/** What has ended lets go of its last handle a moment later. */
const SETTLE_MS = 5_000;
const COMMAND = 'true';

/** In the sandbox, as programs are by default. */
export const CLI_SETTINGS = {
  agents: { [AGENT]: { engine: { cli: AGENT } } },
  cliProviders: {
    [AGENT]: {
      command: 'bash',
      args: ['--noprofile', '--norc'],
      input: { template: "{message}\nprintf '\\n%s\\n' {marker}\n" },
      done: { by: 'marker' },
    },
  },
};

export async function run({ quick, profile, count }: BenchOptions): Promise<Outcome> {
  await using stack = await startStack({ profile, settings: CLI_SETTINGS, execArgv: MEASURED });
  const samples = quick ? QUICK_SAMPLES : SAMPLES;
  const rows = [
    ...(await latencies(stack, samples)),
    ...(await idle(stack)),
    ...(await leftovers(stack, count ?? (quick ? QUICK_SESSIONS : SESSIONS))),
  ];
  const names = rows.flatMap(({ name, goal }) => (goal ? [name] : []));
  return { figures: figuresOf(rows, names), rows };
}

interface Program {
  readonly session: OpenSession;
  /** From the request to READY, milliseconds. */
  readonly createMs: number;
  /** Ends it, and resolves when nothing of it is left. */
  end(): Promise<void>;
}

async function startProgram({ product }: Stack): Promise<Program> {
  const ready = Promise.withResolvers<number>();
  const terminated = Promise.withResolvers<void>();
  const listener = ({ type, data }: PerdureEvent, at: number): void => {
    if (type !== 'program.state') return;
    if (data.state === 'ready') ready.resolve(at);
    else terminated.resolve();
  };
  const startedAt = clock();
  const session = await openSession(product.url, listener, { agent: AGENT });
  const createMs = (await ready.promise) - startedAt;
  const end = async (): Promise<void> => {
    // The stream stays for what says that it is gone.
    await fetch(`${product.url}/api/sessions/${session.sessionId}/stop`, { method: 'POST' });
    await terminated.promise;
    session.unsubscribe();
  };
  return { session, createMs, end };
}

/** Milliseconds of the two sides, sample by sample one after the other. */
interface Compared {
  readonly ours: number[];
  readonly floor: number[];
}

async function compare(
  samples: number,
  sides: { floor(): Promise<number>; ours(): Promise<number> },
): Promise<Compared> {
  const compared: Compared = { ours: [], floor: [] };
  for (let sample = -WARM_UP; sample < samples; sample += 1) {
    const floor = await sides.floor();
    await sleep(GAP_MS);
    const ours = await sides.ours();
    await sleep(GAP_MS);
    if (sample < 0) continue;
    compared.floor.push(floor);
    compared.ours.push(ours);
  }
  return compared;
}

/** Starts: a session each. Commands: on one session that stands, as on the floor's. */
async function latencies(stack: Stack, samples: number): Promise<Row[]> {
  const starts = await compare(samples, {
    floor: async () => {
      const shell = await stack.floor.startShell();
      await shell.stop();
      return shell.createMs;
    },
    ours: async () => {
      const program = await startProgram(stack);
      await program.end();
      return program.createMs;
    },
  });
  const shell = await stack.floor.startShell();
  const program = await startProgram(stack);
  const commands = await compare(samples, {
    floor: () => shell.turn(COMMAND),
    ours: async () => (await program.session.turn(COMMAND)).doneMs,
  });
  await shell.stop();
  await program.end();
  return [
    ...rowsOf(commands, { figure: 'cli_command_p50_ms', what: 'command', atMost: 50 }),
    ...rowsOf(starts, { figure: 'cli_session_create_p50_ms', what: 'start to READY', atMost: 100 }),
  ];
}

function rowsOf(
  { ours, floor }: Compared,
  { figure, what, atMost }: { figure: string; what: string; atMost: number },
): Row[] {
  const [mine, bare] = [quantile(ours, 0.5), quantile(floor, 0.5)];
  return [
    { name: figure, value: mine - bare, unit: 'ms', goal: { atMost } },
    { name: `floor: bare ${what} p50`, value: bare, unit: 'ms' },
    { name: `perdure: ${what} p50`, value: mine, unit: 'ms' },
  ];
}

async function idle(stack: Stack): Promise<Row[]> {
  const { pid } = stack.product.forked;
  const before = await busyMs(pid);
  const programs = await Promise.all(Array.from({ length: IDLE }, () => startProgram(stack)));
  for (const { session } of programs) await session.turn(COMMAND);
  await sleep(SETTLE_MS);
  const during = await busyMs(pid);
  const megabytes = residentMb(descendantsOf(pid)) / IDLE;
  await Promise.all(programs.map((program) => program.end()));
  const percent = (100 * Math.max(0, during - before)) / IDLE_MS / IDLE;
  return [
    { name: 'cli_session_rss_mb', value: megabytes, unit: 'MiB', goal: { atMost: 50 } },
    { name: 'cli_session_cpu_percent', value: percent, unit: '%', goal: { atMost: 5 } },
  ];
}

/** Processor time of the product and all below it while nobody asks for anything. */
async function busyMs(pid: number): Promise<number> {
  const all = (): number => cpuMsOf([pid, ...descendantsOf(pid)]);
  const before = all();
  await sleep(IDLE_MS);
  return all() - before;
}

async function leftovers(stack: Stack, sessions: number): Promise<Row[]> {
  // Caches fill first, so that what is counted is what goes on growing.
  const filling = Math.round(sessions * FILLING_SHARE);
  await runThrough(stack, filling);
  const before = await footprint(stack);
  await runThrough(stack, sessions - filling);
  const after = await footprint(stack);
  const more = (of: (found: Footprint) => number) => Math.max(0, of(after) - of(before));
  const goal = { atMost: 0 };
  const kb = more(({ liveKb }) => liveKb) / (sessions - filling);
  return [
    { name: 'leaked_processes', value: more((found) => found.processes), unit: '', goal },
    { name: 'leaked_handles', value: more((found) => found.handles), unit: '', goal },
    { name: 'live heap left behind by a session', value: kb, unit: 'kB' },
    { name: 'sessions of one command', value: sessions, unit: '' },
  ];
}

interface Footprint {
  readonly processes: number;
  readonly handles: number;
  readonly liveKb: number;
}

async function footprint({ product: { forked } }: Stack): Promise<Footprint> {
  await sleep(SETTLE_MS);
  const { liveKb } = await memoryOf(forked);
  const { pid } = forked;
  return { processes: descendantsOf(pid).length, handles: openHandles(pid), liveKb };
}

async function runThrough(stack: Stack, sessions: number): Promise<void> {
  let [left, ended] = [sessions, 0];
  const work = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      const program = await startProgram(stack);
      await program.session.turn(COMMAND);
      await program.end();
      ended += 1;
      if (ended % 500 === 0) say(`${ended} of ${sessions} sessions have ended`);
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, work));
}
