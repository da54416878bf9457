/** A worker on a Temporal server and a SQLite journal of its own, with models that answer over HTTP. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { vi } from 'vitest';
import type { ClientOptions } from '@temporalio/client';
import type { FileSettings } from '../../config/schema.ts';
import { loadSettings } from '../../config/load.ts';
import type { Settings } from '../../config/settings.ts';
import type { PerdureEvent } from '../../contracts/events.ts';
import { newId } from '../../contracts/ids.ts';
import type { MessageId, SessionId } from '../../contracts/ids.ts';
import { SESSION_QUEUE, SESSION_WORKFLOW } from '../../contracts/names.ts';
import type { Journal } from '../../journal/port.ts';
import { openSqliteJournal } from '../../journal/sqlite.ts';
import { freePort } from '../../servers/child.ts';
import { startDevServer } from '../../servers/dev-server.ts';
import type { DevServer } from '../../servers/dev-server.ts';
import { SEARCH_ATTRIBUTE_TYPES } from '../../servers/search-attributes.ts';
import { createLog } from '../../telemetry/log.ts';
import { createMetrics } from '../../telemetry/metrics.ts';
import { startWorker } from '../../worker/start.ts';
import type { WorkerHandle, WorkerParts } from '../../worker/start.ts';
import type { SessionStart, UserMessage } from '../../workflows/session/messages.ts';
import { startModelServer } from '../support/model-server.ts';
import type { ModelServer } from '../support/model-server.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

export interface Stage extends AsyncDisposable {
  readonly settings: Settings;
  readonly healthUrl: string;
  readonly temporal: DevServer;
  readonly journal: Journal;
  readonly model: ModelServer;
  /** A worker with these settings; several run one after the other. */
  worker(parts?: Partial<WorkerParts>): Promise<WorkerHandle>;
  /** Starts a session with a message, and in `workspace` where one is given. */
  ask(text: string, workspace?: string): Promise<{ sessionId: SessionId; turn: MessageId }>;
  interrupt(sessionId: SessionId): Promise<void>;
  stop(sessionId: SessionId): Promise<void>;
  /** The events of a session up to the first that `until` accepts. */
  follow(sessionId: SessionId, until: (event: PerdureEvent) => boolean): Promise<PerdureEvent[]>;
}

/** Each test starts a server of its own, on machines that do other things too. */
vi.setConfig({ testTimeout: 240_000 });

const FOLLOW_MS = 120_000;

export async function stage(
  worker: Partial<FileSettings['worker']> = {},
  clientOptions: Omit<ClientOptions, 'connection'> = {},
): Promise<Stage> {
  await using started = new AsyncDisposableStack();
  const folder = started.use(await temporaryFolder()).path;
  const temporal = started.use(
    await startDevServer({
      port: await freePort(),
      searchAttributes: SEARCH_ATTRIBUTE_TYPES,
      logFile: join(folder, 'temporal.log'),
    }),
  );
  const model = started.use(await startModelServer({ tokenDelayMs: 20 }));
  const healthPort = await freePort();
  const settings = await settingsFor({ folder, temporal, model, healthPort, worker });
  const log = createLog({ level: 'silent', service: 'test' });
  const metrics = createMetrics();
  const file = join(folder, 'journal.db');
  const journal = started.adopt(
    await openSqliteJournal({
      file,
      synchronous: 'normal',
      log,
      onBatch: (batch) => metrics.batch(batch),
    }),
    (open) => open.close(),
  );
  const connection = started.adopt(
    await Connection.connect({ address: temporal.address }),
    (open) => open.close(),
  );
  const client = new Client({ connection, ...clientOptions });
  const bundles = '.results/bundles';
  const kept = started.move();
  return {
    settings,
    healthUrl: `http://127.0.0.1:${healthPort}`,
    temporal,
    journal,
    model,
    worker: (parts) =>
      startWorker({
        ...{ settings, journal, log, bundles, metrics, secrets: () => undefined },
        ...parts,
      }),
    ask: (text, workspace) => ask({ client, journal, settings, workspace }, text),
    interrupt: (sessionId) => client.workflow.getHandle(sessionId).signal('interruptTurn', {}),
    stop: (sessionId) => client.workflow.getHandle(sessionId).signal('stopSession'),
    follow: async (sessionId, until) => {
      const seen: PerdureEvent[] = [];
      const signal = AbortSignal.timeout(FOLLOW_MS);
      for await (const events of journal.events.tail(sessionId, { after: 0, signal })) {
        for (const event of events) {
          seen.push(event);
          if (until(event)) return seen;
        }
      }
      throw new Error(`never came: ${seen.map(({ type }) => type).join(', ')}`);
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

interface Given {
  readonly folder: string;
  readonly temporal: DevServer;
  readonly model: ModelServer;
  readonly healthPort: number;
  readonly worker: Partial<FileSettings['worker']>;
}

async function settingsFor({ folder, temporal, model, healthPort, worker }: Given) {
  const content = {
    temporal: { address: temporal.address },
    worker: { healthPort, ...worker },
    providers: { fake: { kind: 'openai-compatible', baseUrl: `${model.url}/v1` } },
    models: { fake: { provider: 'fake', model: 'fake-1' } },
    agents: { assistant: {} },
  };
  await writeFile(join(folder, 'perdure.yaml'), JSON.stringify(content));
  return loadSettings({ cwd: folder, env: {}, localModels: null });
}

interface AskParts {
  readonly client: Client;
  readonly journal: Journal;
  readonly settings: Settings;
  readonly workspace?: string | undefined;
}

async function ask({ client, journal, settings, workspace }: AskParts, text: string) {
  const sessionId = newId('ses');
  const turn = newId('msg');
  const row = { sessionId, agent: 'assistant', model: 'fake', tenant: 'local' };
  const nothing = { workspace: workspace ?? null, context: null, title: null, externalId: null };
  await journal.sessions.create({
    ...{ ...row, ...nothing, digest: 'x', user: 'me', tools: [], limits: {} },
  });
  const start: SessionStart = { ...row, limits: settings.limits, origin: 'start' };
  const message: UserMessage = {
    messageId: turn,
    content: [{ type: 'text', text }],
    policy: 'enqueue',
  };
  await client.workflow.signalWithStart(SESSION_WORKFLOW, {
    workflowId: sessionId,
    taskQueue: SESSION_QUEUE,
    args: [start],
    signal: 'userMessage',
    signalArgs: [message],
  });
  return { sessionId, turn };
}
