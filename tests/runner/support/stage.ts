/** The product, a counting world, a proxy that can hold a step, and runners between them. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { EventData, PerdureEvent } from '../../../contracts/events.ts';
import type { SessionId } from '../../../contracts/ids.ts';
import type { RunnerSelector } from '../../../contracts/runners.ts';
import { eventually, startFixture, uniqueName, type Fixture } from '../../api/support/fixture.ts';
import type { FixtureOptions } from '../../api/support/fixture.ts';
import { startCounter, type Counter } from './counter.ts';
import { startHoldingProxy, type HoldingProxy } from './holding-proxy.ts';
import { RunnerProcess, type RunnerProcessOptions } from './runner-process.ts';

export interface RunnerStage extends AsyncDisposable {
  readonly product: Fixture;
  readonly counter: Counter;
  readonly proxy: HoldingProxy;
  /** A runner of this stage, not started; it is killed at the end. */
  runner(change?: Partial<RunnerProcessOptions>): Promise<RunnerProcess>;
  /** A session whose model calls the tool. */
  ask(runner: RunnerSelector, call: string, agent?: string): Promise<SessionId>;
  events(sessionId: SessionId): Promise<readonly PerdureEvent[]>;
  /** How the session's calls ended, once its turn has. */
  settled(sessionId: SessionId): Promise<readonly EventData<'tool.settled'>[]>;
}

export async function openRunnerStage(
  settings: FixtureOptions['settings'] = {},
): Promise<RunnerStage> {
  await using parts = new AsyncDisposableStack();
  const product = parts.use(await startFixture({ worker: true, settings }));
  const counter = parts.use(await startCounter());
  const proxy = parts.use(await startHoldingProxy(product.url));
  const kept = parts.move();
  const events = async (sessionId: SessionId) =>
    (await product.journal.events.read(sessionId, { after: 0, limit: 10_000 })).events;
  return {
    product,
    counter,
    proxy,
    async runner(change = {}) {
      const name = change.name ?? uniqueName('runner');
      const folder = join(product.folder, name);
      await mkdir(folder, { recursive: true });
      const options = { url: proxy.url, counter: counter.url, name, folder };
      return kept.use(new RunnerProcess({ ...options, ...change }));
    },
    async ask(runner, call, agent = 'assistant') {
      const answer = await product.send('POST', '/api/sessions', {
        body: { runner, agent, message: `call=${call}` },
      });
      if (answer.status !== 201) throw new Error(JSON.stringify(answer.body));
      return answer.body.sessionId;
    },
    events,
    async settled(sessionId) {
      const all = await eventually(
        () => events(sessionId),
        (found) => found.some(({ type }) => type === 'turn.settled'),
      );
      return all.flatMap((event) => (event.type === 'tool.settled' ? [event.data] : []));
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}
