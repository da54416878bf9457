// By hand: `node tests/journal/support/smoke.ts [postgres url]`. What a journal does on this machine, without a verdict.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Attempt, Journal } from '../../../journal/port.ts';
import { migrate } from '../../../journal/migrate.ts';
import { openPostgresJournal } from '../../../journal/postgres.ts';
import { openSqliteJournal } from '../../../journal/sqlite.ts';
import { answer, claimOf, claimed, createSession, delta } from './facts.ts';

const schema = `smoke_${Date.now()}`;

async function measured(samples: number, work: () => Promise<unknown>): Promise<string> {
  const times: number[] = [];
  for (let i = 0; i < samples; i++) {
    const start = performance.now();
    await work();
    times.push(performance.now() - start);
  }
  times.sort((a, b) => a - b);
  const at = (share: number) => times[Math.floor(samples * share)]!.toFixed(2);
  return `p50 ${at(0.5)} ms, p95 ${at(0.95)} ms`;
}

async function open(journal: Journal): Promise<Attempt> {
  return claimed(journal, claimOf(await createSession(journal)));
}

/** 1,000 sessions, each appending one delta after the other. */
async function flood(journal: Journal, sessions: number, rounds: number): Promise<string> {
  const attempts = await Promise.all(Array.from({ length: sessions }, () => open(journal)));
  const start = performance.now();
  const cpu = process.cpuUsage();
  await Promise.all(
    attempts.map(async (attempt) => {
      for (let i = 0; i < rounds; i++) await journal.steps.append(attempt, [delta('a token ')]);
    }),
  );
  const seconds = (performance.now() - start) / 1_000;
  const { user, system } = process.cpuUsage(cpu);
  const perEvent = (user + system) / (sessions * rounds);
  return `${Math.round((sessions * rounds) / seconds)} appends/s, ${perEvent.toFixed(0)} µs of CPU each`;
}

async function smoke(journal: Journal): Promise<void> {
  const attempt = await open(journal);
  const single = () => journal.steps.append(attempt, [delta('a token ')]);
  for (let i = 0; i < 300; i++) await single();
  console.log(`  single append     ${await measured(1_000, single)}`);
  console.log(`  create and claim  ${await measured(300, () => open(journal))}`);
  const turn = async () => journal.steps.finish(await open(journal), answer('Hello', 3));
  console.log(`  create … finish   ${await measured(300, turn)}`);
  console.log(
    `  sessions.get      ${await measured(1_000, () => journal.sessions.get(attempt.sessionId))}`,
  );
  console.log(`  1,000 sessions    ${await flood(journal, 1_000, 20)}`);
  console.log(`  50 sessions       ${await flood(journal, 50, 200)}`);
  await journal.close();
}

const folder = await mkdtemp(join(tmpdir(), 'perdure-smoke-'));
console.log('SQLite');
await smoke(await openSqliteJournal({ file: join(folder, 'journal.db'), synchronous: 'normal' }));
await rm(folder, { recursive: true });
const url = process.argv[2];
if (url) {
  console.log('PostgreSQL');
  await migrate({ url, schema }, 'up');
  await smoke(await openPostgresJournal({ url, schema, poolSize: 10 }));
  await migrate({ url, schema }, 'empty');
}
