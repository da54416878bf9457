/**
 * Everything that people may do to a session, at once and in any order, on the real server: messages with every policy, repeats, interrupts,
 * edits of the queue, answers of tools, stops and reopenings, in runs that are short. Whatever it was, the log must be lawful.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { newId, type MessageId, type SessionId } from '../../contracts/ids.ts';
import { PerdureError } from '../../contracts/perdure-error.ts';
import type { Journal } from '../../journal/port.ts';
import { expectLawful } from '../support/lawful-log.ts';
import { startFixture, type Answer, type Fixture } from './support/fixture.ts';
import { chance, SEED } from './support/random.ts';

/** Each in a session of its own. */
const SESSIONS = Number(process.env['PERDURE_TEST_UNRULY'] ?? 4);
const ACTIONS = 60;
const AT_ONCE = 3;

vi.setConfig({ testTimeout: 240_000 });

let product: Fixture;
beforeAll(async () => {
  // A run ends after a few turns: what is said to a session often meets the border between two.
  const settings = { historyEvents: 100 };
  product = await startFixture({ worker: true, settings, spoil: failingNowAndThen });
});
afterAll(() => product[Symbol.asyncDispose]());

const unreliable = chance(SEED);

/** The journal's connection breaks before or after a write, one time in ten. */
function failingNowAndThen(journal: Journal): Journal {
  return {
    ...journal,
    steps: spoilt(journal.steps, ['claim', 'append', 'finish', 'fail', 'seal']),
    ledger: spoilt(journal.ledger, ['settle']),
    events: spoilt(journal.events, ['record']),
  };
}

function spoilt<T extends object>(part: T, methods: readonly (keyof T)[]): T {
  const writes = methods.map((name) => {
    const write = part[name] as (...args: unknown[]) => Promise<unknown>;
    return [name, (...args: unknown[]) => breaking(() => write.apply(part, args))] as const;
  });
  return { ...part, ...Object.fromEntries(writes) };
}

async function breaking<T>(write: () => Promise<T>): Promise<T> {
  const dice = unreliable(1, 20);
  const gone = new PerdureError('journal_unavailable', 'The connection broke.');
  if (dice === 1) throw gone;
  const result = await write();
  if (dice === 2) throw gone;
  return result;
}

/** Temporal's `WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND`. */
const UNHANDLED_COMMAND = 1;

interface Sent {
  readonly messageId: MessageId;
  readonly body: object;
}

/** One of these; or Temporal took too long on a busy machine, and nobody knows what came of it. */
function expectAnswer({ status, body }: Pick<Answer, 'status' | 'body'>, known: number[]): void {
  if (status === 503 && body.code === 'engine_unavailable') return;
  expect([body, known]).toEqual([body, expect.arrayContaining([status])]);
}

class Unruly {
  readonly sessionId: SessionId;
  readonly acknowledged = new Set<MessageId>();
  readonly #random: (from: number, to: number) => number;
  readonly #sent: Sent[] = [];

  constructor(sessionId: SessionId, seed: number) {
    this.sessionId = sessionId;
    this.#random = chance(seed);
  }

  act(): Promise<unknown> {
    const dice = this.#random(1, 100);
    if (dice <= 45) return this.#say();
    if (dice <= 55) return this.#repeat();
    if (dice <= 65) return this.#ask('interrupt');
    if (dice <= 80) return this.#edit();
    if (dice <= 90) return this.#answer();
    if (dice <= 95) return this.#ask('stop');
    return this.#ask('reopen');
  }

  #of<T>(all: readonly T[]): T | undefined {
    return all.length === 0 ? undefined : all[this.#random(0, all.length - 1)];
  }

  async #say(): Promise<void> {
    const messageId = newId('msg');
    const policy = this.#of(['enqueue', 'enqueue', 'interrupt', 'steer', 'reject']);
    const words = `#${messageId.slice(-6)} tokens=${this.#random(1, 12)} delay=${this.#random(0, 8)}`;
    const calls = this.#random(1, 4) === 1 ? ' call=ask{"question":"why?"}' : '';
    const reopen = this.#random(1, 3) === 1;
    await this.#send({ messageId, body: { content: words + calls, messageId, policy, reopen } });
  }

  async #repeat(): Promise<void> {
    const again = this.#of(this.#sent);
    if (again) await this.#send(again);
  }

  async #send(sent: Sent): Promise<void> {
    this.#sent.push(sent);
    const answer = await this.#post('messages', sent.body);
    // An edit may have made another message of it, or it was removed.
    expectAnswer(answer, [202, 404, 409]);
    if (answer.status === 202) this.acknowledged.add(sent.messageId);
  }

  async #edit(): Promise<void> {
    const messageId = this.#of(this.#sent)?.messageId;
    if (!messageId) return;
    const edit = this.#of<object>([
      { action: 'edit', messageId, content: '#edited tokens=2' },
      { action: 'remove', messageId },
      { action: 'move', messageId, position: this.#random(0, 3) },
      { action: 'steer', messageId },
    ]);
    const path = `/api/sessions/${this.sessionId}/queue`;
    expectAnswer(await product.send('PATCH', path, { body: { edit } }), [200, 404, 409]);
  }

  async #answer(): Promise<void> {
    const { body } = await product.send('GET', `/api/tools/pending?sessionId=${this.sessionId}`);
    const call = this.#of(body['calls'] as { callId: string }[]);
    if (!call) return;
    const outcome = { status: 'completed', result: 'because' };
    const answer = await this.#post('tool-results', { callId: call.callId, outcome });
    expectAnswer(answer, [202, 409]);
  }

  async #ask(what: 'interrupt' | 'stop' | 'reopen'): Promise<void> {
    const { status, body } = await this.#post(what, {});
    expectAnswer({ status, body }, [202, 409]);
  }

  #post(path: string, body: object): Promise<Answer> {
    return product.send('POST', `/api/sessions/${this.sessionId}/${path}`, { body });
  }

  /** However often it was told to go on. */
  async end(): Promise<void> {
    const { client } = product.temporal;
    for (;;) {
      const row = await product.journal.sessions.get(this.sessionId);
      const { status } = await client.workflow.getHandle(this.sessionId).describe();
      if (row?.state === 'ended' && status.name === 'COMPLETED') return;
      if (row?.state !== 'ended') await this.#post('stop', {});
      // Each stop is one more message beside the end of the run.
      await sleep(300);
    }
  }
}

/** Why tasks failed, where it was not for a message that came beside the end of a run. */
async function failedTasks(sessionId: SessionId): Promise<unknown[]> {
  const { workflow } = product.temporal.client;
  const failures: unknown[] = [];
  for await (const { runId } of workflow.list({ query: `WorkflowId = '${sessionId}'` })) {
    const { events } = await workflow.getHandle(sessionId, runId).fetchHistory();
    for (const { workflowTaskFailedEventAttributes: failed } of events ?? [])
      if (failed && Number(failed.cause) !== UNHANDLED_COMMAND) failures.push(failed);
  }
  return failures;
}

test.each(Array.from({ length: SESSIONS }, (_, index) => SEED + index))(
  'a session that is treated by chance %i keeps every message, says everything once and settles all of it',
  async (seed) => {
    const started = await product.send('POST', '/api/sessions', { body: { agent: 'asker' } });
    const { sessionId } = started.body;
    const unruly = new Unruly(sessionId, seed);
    for (let action = 0; action < ACTIONS; action += AT_ONCE)
      await Promise.all(Array.from({ length: AT_ONCE }, () => unruly.act()));
    await unruly.end();
    const { events } = await product.journal.events.read(sessionId, { after: 0, limit: 10_000 });
    expectLawful(events, unruly.acknowledged);
    expect(await product.journal.sessions.rebuild(sessionId)).toBe(false);
    expect(await product.journal.sessions.get(sessionId)).toMatchObject({ turn: null, queued: 0 });
    expect(await failedTasks(sessionId)).toEqual([]);
  },
);
