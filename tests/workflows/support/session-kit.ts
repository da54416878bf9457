/** A worker with the session workflow on a server of the caller's, and sessions whose activities are scripted worlds. */
import { fileURLToPath } from 'node:url';
import { Context } from '@temporalio/activity';
import type { Client, WorkflowHandle } from '@temporalio/client';
import { isGrpcDeadlineError } from '@temporalio/client';
import { Worker, type NativeConnection } from '@temporalio/worker';
import { afterAll, vi } from 'vitest';
import type {
  AuthActivities,
  ProgramActivities,
  SessionActivities,
  ToolActivities,
} from '../../../contracts/activities.ts';
import { newId, type MessageId, type SessionId } from '../../../contracts/ids.ts';
import { DEFAULT_SESSION_LIMITS, type SessionLimits } from '../../../contracts/limits.ts';
import {
  CLI_QUEUE_PREFIX,
  SEARCH_ATTRIBUTES,
  SESSION_WORKFLOW,
  TOOL_QUEUE,
} from '../../../contracts/names.ts';
import type { PolicyOverrides } from '../../../contracts/policies.ts';
import type { LiveStatus } from '../../../contracts/session.ts';
import type { BusyPolicy } from '../../../contracts/session-state.ts';
import type { SessionStart, UserMessage } from '../../../workflows/session/messages.ts';
import { testBundle } from '../../support/bundle.ts';
import { sharedTemporal } from '../../support/dev-server.ts';
import { timeSkippingEnv, type TimeSkipping } from '../../support/time-skipping.ts';
import { ScriptedWorld, type Step } from './scripted-world.ts';

/** A round trip to the time-skipping server takes 80 ms on a quiet machine, and eight times as much on a busy one. */
vi.setConfig({ testTimeout: 240_000 });

const EVENTUALLY_MS = 120_000;
const FIRST_QUERY_MS = 2_000;
const LONGEST_QUERY_MS = 32_000;

export const workflowsPath = fileURLToPath(new URL('../../../workflows/index.ts', import.meta.url));

export interface TestSession {
  readonly sessionId: SessionId;
  readonly handle: WorkflowHandle;
  readonly world: ScriptedWorld;
  send(policy?: BusyPolicy, text?: string): Promise<MessageId>;
  status(): Promise<LiveStatus>;
  /** Stops the session and waits until its workflow has completed. */
  stop(): Promise<void>;
}

export interface StartOptions extends Omit<Partial<SessionStart>, 'limits'> {
  limits?: Partial<SessionLimits>;
  world?: ScriptedWorld;
  /** The model's answers; what it says beyond them. */
  script?: Step[];
  otherwise?: Step;
  /** Sent together with the start. */
  message?: UserMessage;
}

export const userMessage = (policy: BusyPolicy = 'enqueue', text = 'hello'): UserMessage => ({
  messageId: newId('msg'),
  content: [{ type: 'text', text }],
  policy,
});

/** On skipped time a heartbeat that is due in 12 s is missed at once. */
const STEADY: PolicyOverrides = { model: { heartbeatMs: 86_400_000, attemptMs: 86_400_000 } };

export interface KitOptions {
  /**
   * 0 replays the whole history for each task. Needed where workers are started again on the time-skipping server: it keeps an update for
   * the queue of the worker that had the workflow in its cache, for ever.
   */
  readonly maxCachedWorkflows?: number;
}

export class SessionKit implements AsyncDisposable {
  readonly client: Client;
  /** As long as the real queue's name, for the sizes of histories. */
  readonly taskQueue = `perdure-${newId('run').slice(-8)}`;
  /** Of a worker process that has programs. */
  readonly programQueue = `${CLI_QUEUE_PREFIX}${newId('run')}`;
  readonly #worlds = new Map<string, ScriptedWorld>();
  readonly #connection: NativeConnection;
  #workers: { worker: Worker; running: Promise<void> }[] = [];
  #starts = 0;
  #skipping: TimeSkipping | undefined;

  readonly #options: KitOptions;

  private constructor(client: Client, connection: NativeConnection, options: KitOptions) {
    this.client = client;
    this.#connection = connection;
    this.#options = options;
  }

  /** On a time-skipping server of its own: no other test moves its clock or takes its tool calls. */
  static async start(options: KitOptions = {}): Promise<SessionKit> {
    const skipping = await timeSkippingEnv();
    const { client, nativeConnection } = skipping.env;
    const kit = await SessionKit.on(client, nativeConnection, options);
    kit.#skipping = skipping;
    return kit;
  }

  static async on(
    client: Client,
    connection: NativeConnection,
    options: KitOptions = {},
  ): Promise<SessionKit> {
    const kit = new SessionKit(client, connection, options);
    await kit.startWorkers();
    return kit;
  }

  /** As new processes: they know of no session but what Temporal tells them. @returns the name under which they take work */
  async startWorkers(): Promise<string> {
    const workflowBundle = await testBundle(workflowsPath);
    const identity = `start-${(this.#starts += 1)}`;
    const shared = {
      connection: this.#connection,
      activities: this.#activities(),
      ...{ identity, shutdownGraceTime: 0, ...this.#options },
    };
    await this.#run(
      Worker.create({
        ...shared,
        taskQueue: this.taskQueue,
        buildId: 'perdure-test',
        workflowBundle,
      }),
    );
    for (const taskQueue of [TOOL_QUEUE, this.programQueue])
      await this.#run(Worker.create({ ...shared, taskQueue }));
    return identity;
  }

  async stopWorkers(): Promise<void> {
    for (const { worker, running } of this.#workers) {
      worker.shutdown();
      await running;
    }
    this.#workers = [];
  }

  async #run(creating: Promise<Worker>): Promise<void> {
    const worker = await creating;
    this.#workers.push({ worker, running: worker.run() });
  }

  #activities(): AuthActivities & SessionActivities & ToolActivities & ProgramActivities {
    const world = (): ScriptedWorld => {
      const { workflowId } = Context.current().info.workflowExecution ?? { workflowId: '' };
      const found = this.#worlds.get(workflowId);
      if (!found) throw new Error(`no world for ${workflowId}`);
      return found;
    };
    return {
      // A step that is held for ever ends with its worker.
      callModel: (input) => Promise.race([world().callModel(input), Context.current().cancelled]),
      authenticate: (input) => world().authenticate(input),
      startProgram: (input) => world().startProgram(input),
      executeCommand: (input) =>
        Promise.race([world().executeCommand(input), Context.current().cancelled]),
      terminateProgram: (programId) => world().terminateProgram(programId),
      sealStep: (input) => world().sealStep(input),
      settleToolCall: (input) => world().settleToolCall(input),
      settleApproval: (input) => world().settleApproval(input),
      record: (sessionId, facts) => world().record(sessionId, facts),
      takePlace: (sessionId, most) => world().takePlace(sessionId, most),
      executeTool: (input) =>
        Promise.race([world().executeTool(input), Context.current().cancelled]),
    };
  }

  /** Lets time pass on the server's clock. */
  async pass(ms: number): Promise<void> {
    await this.#skipping?.env.sleep(ms);
  }

  async session(options: StartOptions = {}): Promise<TestSession> {
    const { world = new ScriptedWorld(), message, limits, script, otherwise, ...over } = options;
    world.programQueue ||= this.programQueue;
    world.script = script ?? world.script;
    world.otherwise = otherwise ?? world.otherwise;
    const sessionId = over.sessionId ?? newId('ses');
    this.#worlds.set(sessionId, world);
    const start: SessionStart = {
      sessionId,
      tenant: 'acme',
      agent: 'assistant',
      model: 'demo',
      origin: 'start',
      ...(this.#skipping ? { policies: STEADY } : {}),
      ...over,
      limits: { ...DEFAULT_SESSION_LIMITS, ...limits },
    };
    const common = {
      workflowId: sessionId,
      taskQueue: this.taskQueue,
      args: [start] as [SessionStart],
      searchAttributes: { [SEARCH_ATTRIBUTES.state]: ['starting'] },
    };
    const handle = message
      ? await this.client.workflow.signalWithStart(SESSION_WORKFLOW, {
          ...common,
          signal: 'userMessage',
          signalArgs: [message],
        })
      : await this.client.workflow.start(SESSION_WORKFLOW, common);
    const send = async (policy?: BusyPolicy, text?: string): Promise<MessageId> => {
      const sent = userMessage(policy, text);
      await handle.signal('userMessage', sent);
      return sent.messageId;
    };
    const status = () => this.#status(handle);
    const stop = async () => {
      await handle.signal('stopSession');
      await handle.result();
    };
    return { sessionId, handle, world, send, status, stop };
  }

  /** Asks again where there is no answer: the time-skipping server never answers a query that meets the end of a run. */
  async #status(handle: WorkflowHandle, patienceMs = FIRST_QUERY_MS): Promise<LiveStatus> {
    const ask = () => handle.query<LiveStatus>('status');
    try {
      return await this.client.withDeadline(Date.now() + patienceMs, ask);
    } catch (error) {
      if (!isGrpcDeadlineError(error) || patienceMs >= LONGEST_QUERY_MS) throw error;
      return this.#status(handle, 2 * patienceMs);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // A test that failed half-way leaves its session open, and a worker waits for what runs.
    for (const id of this.#worlds.keys()) {
      await this.client.workflow
        .getHandle(id)
        .terminate()
        .catch(() => undefined);
    }
    await this.stopWorkers();
    await this.#skipping?.[Symbol.asyncDispose]();
  }
}

/** For all tests of a file, with whose end it ends. */
export async function kitWithSkippedTime(): Promise<SessionKit> {
  const kit = await SessionKit.start();
  afterAll(() => kit[Symbol.asyncDispose]());
  return kit;
}

/** The same on the dev server of the run: what happens there happens in real time, and as on any server. */
export async function kitOnRealServer(): Promise<SessionKit> {
  const temporal = await sharedTemporal();
  const kit = await SessionKit.on(temporal.client, temporal.nativeConnection);
  afterAll(async () => {
    await kit[Symbol.asyncDispose]();
    await temporal[Symbol.asyncDispose]();
  });
  return kit;
}

/** Real time: for what happens on the server while a test watches. */
export async function eventually(
  holds: () => boolean | Promise<boolean>,
  what: string,
): Promise<void> {
  const deadline = Date.now() + EVENTUALLY_MS;
  while (Date.now() < deadline) {
    if (await holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`did not happen within ${EVENTUALLY_MS / 1_000} s: ${what}`);
}

/** Waits, in real time, until the workflow's own status says so. */
export const untilStatus = (session: TestSession, expected: Partial<LiveStatus>): Promise<void> =>
  eventually(async () => {
    const status = await session.status().catch(() => undefined);
    return (
      status !== undefined &&
      Object.entries(expected).every(([key, value]) => status[key as keyof LiveStatus] === value)
    );
  }, JSON.stringify(expected));

const QUIET = [
  'workflowTaskCompletedEventAttributes',
  'markerRecordedEventAttributes',
  'timerStartedEventAttributes',
  'timerCanceledEventAttributes',
] as const;

/**
 * Waits until `done` and until the workflow has nothing to do but wait. Unlike a query it leaves the time-skipping server's clock
 * alone: a query that meets a workflow task there can stop the skipping for good.
 */
export const untilQuiet = (
  session: TestSession,
  done: (world: ScriptedWorld) => boolean,
): Promise<void> =>
  eventually(async () => {
    if (!done(session.world)) return false;
    const last = (await session.handle.fetchHistory()).events?.at(-1);
    return QUIET.some((attributes) => last?.[attributes]);
  }, `quiet after ${done.toString()}`);

/** The turns that were opened by a call of the model are over. */
export const untilTurns = (session: TestSession, turns: number): Promise<void> =>
  untilQuiet(session, ({ steps }) => steps.length === turns);
