/** Every setting, its default and what it means. docs/configuration.md is generated from this file. */
import { z } from 'zod';
import { approvalPolicySchema } from '../contracts/approval-policy.ts';
import { cliProviderSchema } from '../contracts/cli-providers.ts';
import { DEFAULT_SESSION_LIMITS, MAX_MESSAGE_BYTES, TIME_LIMITS } from '../contracts/limits.ts';
import type { TimeLimits } from '../contracts/limits.ts';
import { mcpServerSchema } from '../contracts/mcp.ts';
import { POLICIES } from '../contracts/policies.ts';
import type { Policy, PolicyName } from '../contracts/policies.ts';
import { credentialNameSchema, credentialSchema } from '../contracts/credentials.ts';
import { environmentName } from '../contracts/environment-name.ts';
import { agentSchema, limitsSchema, modelSchema, providerSchema } from '../contracts/settings.ts';
import { fetchSchema, sandboxSchema } from '../contracts/tool-settings.ts';

const port = z.number().int().min(1).max(65_535);
const milliseconds = z.number().int().min(1);

const apiSchema = z.strictObject({
  host: z
    .string()
    .default('127.0.0.1')
    .describe(
      'Address to listen on. Beyond loopback a key must exist, else the API refuses to start.',
    ),
  port: port.default(7400).describe('Port of the API.'),
  corsOrigins: z.array(z.string()).default([]).describe('Browser origins that may call the API.'),
  requireKey: z.boolean().default(false).describe('Ask for a key on loopback too.'),
  metrics: z
    .enum(['key', 'open'])
    .default('key')
    .describe(
      'Who reads /metrics of the API: with `key` operators, wherever callers need a key; with `open` whoever reaches it.',
    ),
  trustProxy: z.boolean().default(false).describe('Take the client address from X-Forwarded-For.'),
  maxConnections: z
    .number()
    .int()
    .min(1)
    .default(5_000)
    .describe('Open event streams and sockets in this process.'),
  maxConnectionsPerUser: z
    .number()
    .int()
    .min(1)
    .default(2_000)
    .describe('Open event streams and sockets of one user.'),
  maxSessionsPerTenant: z
    .number()
    .int()
    .min(1)
    .default(10_000)
    .describe('Sessions of one tenant that have not ended.'),
  maxMessageBytes: z
    .number()
    .int()
    .min(1_024)
    .max(MAX_MESSAGE_BYTES)
    .default(MAX_MESSAGE_BYTES)
    .describe('Largest message, bytes.'),
  requestsPerMinute: z
    .number()
    .int()
    .min(1)
    .default(60_000)
    .describe('Requests of one user (or address) a minute.'),
  streamBufferBytes: z
    .number()
    .int()
    .min(16_384)
    .default(1_048_576)
    .describe('Unsent bytes of one event stream before it is closed with a resumable id.'),
  bootstrapKeyFile: z
    .string()
    .optional()
    .describe('File with the first operator key; read at start when no key exists.'),
});

const temporalSchema = z.strictObject({
  address: z
    .string()
    .regex(/^[^\s:/]+:\d{1,5}$/, 'expected host:port')
    .optional()
    .describe(
      'host:port of a Temporal server that runs already. Absent: `perdure up` starts its own on `port`.',
    ),
  port: port.default(7233).describe('Port of the Temporal server in the embedded mode.'),
  namespace: z.string().min(1).default('default').describe('Temporal namespace.'),
  tls: z.boolean().default(false).describe('Speak TLS to Temporal.'),
  apiKeyEnv: environmentName
    .optional()
    .describe('Name of the environment variable with an API key for Temporal.'),
  ui: z
    .boolean()
    .default(true)
    .describe('Whether the embedded mode has the Temporal UI, which asks nobody who they are.'),
  uiPort: port.default(8233).describe('Port of the Temporal UI in the embedded mode.'),
});

const journalSchema = z.strictObject({
  url: z
    .string()
    .optional()
    .describe('postgres:// URL. Absent: the embedded SQLite file in the data folder.'),
  synchronous: z
    .enum(['normal', 'full'])
    .default('normal')
    .describe('SQLite and embedded Temporal: `full` survives a power cut, `normal` a crash.'),
  poolSize: z
    .number()
    .int()
    .min(1)
    .max(200)
    .default(10)
    .describe('PostgreSQL connections of one process.'),
  deltaRetentionMs: milliseconds
    .default(3_600_000)
    .describe('Deltas of settled turns are pruned after this time.'),
  auditRetentionMs: milliseconds
    .default(31_536_000_000)
    .describe('Entries of the audit are removed after this time (365 days).'),
});

const workerSchema = z.strictObject({
  activitySlots: z
    .number()
    .int()
    .min(1)
    .default(1_200)
    .describe('Model calls and records at once in one worker.'),
  modelThreads: z
    .number()
    .int()
    .min(1)
    .max(64)
    .default(1)
    .describe(
      'Threads that read the answers of providers; more where one is full (about 8,000 tokens a second).',
    ),
  toolSlots: z.number().int().min(1).default(20).describe('Tools at once in one worker.'),
  cliSessions: z
    .number()
    .int()
    .min(1)
    .default(50)
    .describe('Sessions at once whose programs (cliProviders) run in one worker.'),
  cachedWorkflows: z
    .number()
    .int()
    .min(1)
    .default(1_200)
    .describe('Sessions kept in memory; more than are active, or each turn replays its history.'),
  drainMs: milliseconds.default(25_000).describe('How long a shutdown waits for running steps.'),
  healthHost: z
    .string()
    .default('127.0.0.1')
    .describe('Address of the health port; 0.0.0.0 where Prometheus reads it from elsewhere.'),
  healthPort: port
    .optional()
    .describe('Port of /healthz, /readyz and /metrics of a worker process; none when absent.'),
  workflowStackTraces: z
    .boolean()
    .default(false)
    .describe(
      "For Temporal's stack trace query and whole stacks in workflow errors. Costs a tenth of the turns a second.",
    ),
});

const policyOverride = z.strictObject({
  attempts: z
    .number()
    .int()
    .min(1)
    .nullable()
    .optional()
    .describe('Attempts in all; null is until it works.'),
  firstWaitMs: milliseconds.optional().describe('Wait after the first failure.'),
  factor: z.number().min(1).optional().describe('Each wait is this many times the one before.'),
  maxWaitMs: milliseconds.optional().describe('No wait is longer.'),
  attemptMs: milliseconds.optional().describe('Limit of one attempt.'),
});

const names = <K extends string>(keys: readonly K[], schema: z.ZodType): z.ZodType =>
  z.strictObject(Object.fromEntries(keys.map((key) => [key, schema.optional()])));

/** What each time limit of {@link TIME_LIMITS} means; in milliseconds all of them. */
const TIMEOUT_MEANINGS: Record<keyof TimeLimits, string> = {
  sessionIdleMs: 'A session that waits this long for a person ends; it can be reopened.',
  sessionLifetimeMs: 'A session this old ends at its next quiet moment; it can be reopened.',
  sessionWarningMs: 'How long before either end a warning is sent.',
  authMs: 'One attempt to authenticate.',
  commandMs: 'A tool in a worker, unless it says otherwise.',
  commandMaxMs: 'The most that a tool may ask for.',
  socketPingMs: 'A WebSocket is pinged this often.',
  socketPongMs: 'A WebSocket whose pong takes longer is closed.',
  socketReconnectMs: 'Clients try to connect again after this time.',
  toolResultMs: 'A tool answered from outside: from its claim to its result.',
  toolClaimMs: 'A tool answered from outside: from its offer to its first claim.',
  toolLeaseMs: 'A claim without a sign of life for this long is offered again.',
  approvalMs:
    'A call that a person has to approve: unless somebody decides in this time, it is rejected as expired.',
  previewMs:
    'What a tool may take to say what a call would do; the person is asked without it then.',
  modelFirstTokenMs: 'From the request to the first token of a model.',
  modelSilenceMs: 'Between two tokens of a model.',
  modelAttemptMs: 'One whole request to a model.',
  heartbeatMs:
    'A worker without a heartbeat for this long counts as dead: its steps go on elsewhere.',
  heartbeatThrottleMs:
    'Heartbeats are sent to Temporal at most this often (each costs it 4–6 ms of CPU).',
  ssePingMs: 'A quiet event stream gets a comment this often, so that proxies keep it open.',
  sseMaxAgeMs: 'An event stream is closed after this time, with an id to resume from.',
  updateMs: 'How long a change of the queue or the configuration waits for a worker.',
};

const timeoutsSchema = z.strictObject(
  Object.fromEntries(
    Object.entries(TIME_LIMITS).map(([key, value]) => [
      key,
      milliseconds.default(value).describe(TIMEOUT_MEANINGS[key as keyof TimeLimits]),
    ]),
  ) as {
    [Name in keyof TimeLimits]: z.ZodDefault<z.ZodNumber>;
  },
);

export const settingsSchema = z.strictObject({
  api: apiSchema.prefault({}),
  temporal: temporalSchema.prefault({}),
  journal: journalSchema.prefault({}),
  worker: workerSchema.prefault({}),
  timeouts: timeoutsSchema.prefault({}).describe('Time limits in milliseconds.'),
  policies: names(Object.keys(POLICIES) as PolicyName[], policyOverride).default({}) as z.ZodType<
    Partial<Record<PolicyName, Partial<Policy>>>
  >,
  limits: limitsSchema
    .prefault({})
    .describe('Limits of every session, unless its agent or the request says otherwise.'),
  historyEvents: z
    .number()
    .int()
    .min(100)
    .default(DEFAULT_SESSION_LIMITS.historyEvents)
    .describe('Events after which a session continues as a new run.'),
  providers: z.record(z.string(), providerSchema).default({}),
  credentials: z.record(credentialNameSchema, credentialSchema).default({}),
  models: z.record(z.string(), modelSchema).default({}),
  agents: z.record(z.string(), agentSchema).default({}),
  approvalPolicy: approvalPolicySchema
    .default([])
    .describe(
      'Rules that say about which calls of tools a person is asked; the first that matches decides, those of the agent before these. A call that none matches is allowed.',
    ),
  mcpServers: z
    .record(z.string(), mcpServerSchema)
    .default({})
    .describe('MCP servers whose tools agents may name, as `server__tool`.'),
  cliProviders: z
    .record(z.string(), cliProviderSchema)
    .default({})
    .describe('Programs that answer instead of a model: docs/cli-providers.md.'),
  defaultModel: z
    .string()
    .optional()
    .describe('Name under models; otherwise chosen by the keys found, else the demo model.'),
  defaultAgent: z.string().default('assistant').describe('Name under agents.'),
  toolsFolder: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Folder with tools of your own (docs/tools.md), relative to this file. Their code runs in the worker; it is loaded when that starts.',
    ),
  workspaceRoots: z
    .array(z.string())
    .default([])
    .describe('Folders in which workspaces may lie; the folder of the start when empty.'),
  sandbox: sandboxSchema.prefault({}).describe('What the tool run_command runs in.'),
  fetch: fetchSchema.prefault({}).describe('What the tool fetch_url may fetch.'),
  log: z
    .strictObject({
      level: z
        .enum(['trace', 'debug', 'info', 'warn', 'error', 'silent'])
        .default('info')
        .describe('Lines below this level are not written.'),
    })
    .prefault({}),
  telemetry: z
    .strictObject({
      otlpUrl: z.url().optional().describe('OTLP/HTTP endpoint for traces; none when absent.'),
    })
    .prefault({}),
});

/** What perdure.yaml may say. */
export type SettingsInput = z.input<typeof settingsSchema>;
/** All settings, validated and complete but for what {@link resolveSettings} adds: data folder, default model, secrets by reference. */
export type FileSettings = z.output<typeof settingsSchema>;
