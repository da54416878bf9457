/** A real SQLite journal with one session, and activities run as Temporal would run them. */
import { mkdtemp, rm, writeFile, mkdir } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { createAuthenticator } from '../../activities/auth/create-authenticator.ts';
import type { ActivityDependencies } from '../../activities/dependencies.ts';
import { createSessionActivities } from '../../activities/session.ts';
import { createToolActivities } from '../../activities/tools.ts';
import { toolRegistry } from '../../activities/tools/registry.ts';
import type { RegistryParts } from '../../activities/tools/registry.ts';
import type { ToolSource } from '../../activities/tools/source.ts';
import type {
  ModelStepInput,
  ModelStepResult,
  SessionActivities,
  ToolActivities,
  ToolInput,
  ToolResultRef,
} from '../../contracts/activities.ts';
import type { EventOf, EventType, PerdureEvent } from '../../contracts/events.ts';
import { credentialSchema } from '../../contracts/credentials.ts';
import { newId } from '../../contracts/ids.ts';
import type { MessageId, SessionId } from '../../contracts/ids.ts';
import { TIME_LIMITS } from '../../contracts/limits.ts';
import { POLICIES } from '../../contracts/policies.ts';
import { agentSchema, modelSchema, providerSchema } from '../../contracts/settings.ts';
import type { ModelCatalogue } from '../../contracts/settings.ts';
import type { ClientTool, ToolCallRef } from '../../contracts/tools.ts';
import { createLog } from '../../telemetry/log.ts';
import type { Journal } from '../../journal/port.ts';
import { openSqliteJournal } from '../../journal/sqlite.ts';
import type { ModelResolver } from '../../activities/model/providers.ts';

export interface CatalogueInput {
  providers?: Record<string, object>;
  models?: Record<string, object>;
  agent?: object;
  defaultModel?: string;
}

/** Everything that is not given is the demo model. */
export const catalogueOf = (input: CatalogueInput = {}): ModelCatalogue => ({
  providers: Object.fromEntries(
    Object.entries(input.providers ?? { demo: { kind: 'demo' } }).map(([name, value]) => [
      name,
      providerSchema.parse(value),
    ]),
  ),
  models: Object.fromEntries(
    Object.entries(input.models ?? { demo: { provider: 'demo', model: 'demo' } }).map(
      ([name, value]) => [name, modelSchema.parse(value)],
    ),
  ),
  agents: { assistant: agentSchema.parse({ ...input.agent }) },
  defaultModel: input.defaultModel ?? Object.keys(input.models ?? { demo: 1 })[0] ?? 'demo',
  defaultAgent: 'assistant',
});

export interface StageOptions extends CatalogueInput {
  readonly timeouts?: Partial<Record<keyof typeof TIME_LIMITS, number>>;
  readonly secrets?: Record<string, string>;
  /** Signs in for the providers that name them. */
  readonly credentials?: Record<string, object>;
  readonly tools?: readonly ClientTool[];
  readonly files?: Record<string, string>;
  readonly resolver?: ModelResolver;
  /** Beside the built-in tools. */
  readonly registry?: Partial<RegistryParts>;
  /** Further sources of tools. */
  readonly sources?: (
    parts: Pick<ActivityDependencies, 'journal' | 'log' | 'secrets'>,
  ) => readonly ToolSource[];
  /** Replaces parts of the journal by what fails. */
  readonly spoil?: (journal: Journal) => Journal;
}

export interface Stage extends AsyncDisposable {
  readonly journal: Journal;
  readonly sessionId: SessionId;
  readonly workspace: string;
  readonly session: SessionActivities;
  readonly tools: ToolActivities;
  /** Lines, as they would be printed. */
  readonly logged: readonly string[];
  /** Runs a step as Temporal's attempt `attempt` of it. */
  callModel(input: ModelStepInput, run?: RunOptions): Promise<ModelStepResult>;
  executeTool(step: ModelStepInput, call: ToolCallRef, run?: RunOptions): Promise<string>;
  /** A first step of a new turn with this message. */
  message(text: string, more?: Partial<ModelStepInput>): ModelStepInput;
  events(): Promise<readonly PerdureEvent[]>;
  eventsOf<T extends EventType>(type: T): Promise<EventOf<T>[]>;
}

export interface RunOptions {
  readonly attempt?: number;
  readonly env?: MockActivityEnvironment;
  /** When the workflow scheduled the activity, epoch ms. */
  readonly scheduledAt?: number;
}

let clock = Date.now();

/** Each attempt is scheduled later than those before, as Temporal's clock says. */
export const activityEnvironment = ({ attempt = 1, scheduledAt }: RunOptions = {}) =>
  new MockActivityEnvironment({
    attempt,
    currentAttemptScheduledTimestampMs: ++clock,
    scheduledTimestampMs: scheduledAt ?? Date.now(),
  });

export async function openStage(options: StageOptions = {}): Promise<Stage> {
  const folder = await mkdtemp(path.join(tmpdir(), 'perdure-activities-'));
  const workspace = path.join(folder, 'workspace');
  await mkdir(workspace);
  for (const [name, text] of Object.entries(options.files ?? {})) {
    await mkdir(path.dirname(path.join(workspace, name)), { recursive: true });
    await writeFile(path.join(workspace, name), text);
  }
  const journal = await openSqliteJournal({
    file: path.join(folder, 'journal.sqlite'),
    synchronous: 'normal',
  });
  const logged: string[] = [];
  const log = createLog({
    level: 'debug',
    service: 'test',
    secrets: Object.values(options.secrets ?? {}),
    destination: { write: (line: string) => void logged.push(line) },
  });
  const catalogue = catalogueOf(options);
  const timeouts = { ...TIME_LIMITS, ...options.timeouts };
  const secrets = (name: string): string | undefined => options.secrets?.[name];
  const home = path.join(folder, 'home');
  const sources = options.sources?.({ journal, log, secrets });
  const deps: ActivityDependencies = {
    journal: options.spoil ? options.spoil(journal) : journal,
    catalogue,
    timeouts,
    tools: toolRegistry({
      ...{ timeouts, home, runners: journal.runners, ...(sources && { sources }) },
      ...options.registry,
    }),
    policies: POLICIES,
    secrets,
    log,
    models: options.resolver,
    authenticator: createAuthenticator({
      ...{ journal, catalogue, log, secrets, policies: POLICIES },
      credentials: Object.fromEntries(
        Object.entries(options.credentials ?? {}).map(([name, each]) => [
          name,
          credentialSchema.parse(each),
        ]),
      ),
      secretKeys: { current: randomBytes(32), old: [] },
    }),
  };
  const sessionId = newId('ses');
  await journal.sessions.create({
    sessionId,
    tenant: 'acme',
    user: 'ann',
    digest: 'd',
    agent: 'assistant',
    model: catalogue.defaultModel,
    workspace,
    context: null,
    title: null,
    externalId: null,
    tools: options.tools ?? [],
    limits: {},
  });
  const session = createSessionActivities(deps);
  const tools = createToolActivities(deps);
  const events = async (): Promise<readonly PerdureEvent[]> =>
    (await journal.events.read(sessionId, { after: 0, limit: 10_000 })).events;
  return {
    journal,
    sessionId,
    workspace,
    session,
    tools,
    logged,
    callModel: (input, run = {}) =>
      (run.env ?? activityEnvironment(run)).run(session.callModel.bind(session), input),
    executeTool: async (step, call, run = {}) => {
      const input: ToolInput = {
        sessionId: step.sessionId,
        turn: step.turn,
        step: step.step,
        callId: call.callId,
        name: call.name,
        timeoutMs: call.timeoutMs,
      };
      const env = run.env ?? activityEnvironment(run);
      const result: ToolResultRef = await env.run(tools.executeTool.bind(tools), input);
      return result.outcome;
    },
    message: (text, more = {}) => {
      const turn: MessageId = newId('msg');
      return {
        sessionId,
        turn,
        step: 1,
        messages: [{ messageId: turn, content: [{ type: 'text', text }], policy: 'enqueue' }],
        ...more,
      };
    },
    events,
    eventsOf: async <T extends EventType>(type: T) =>
      (await events()).filter((event): event is EventOf<T> => event.type === type),
    [Symbol.asyncDispose]: async () => {
      await journal.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The step after `input` of the same turn. */
export const nextStep = (input: ModelStepInput): ModelStepInput => ({
  ...input,
  step: input.step + 1,
  messages: [],
});
