/** Every setting, its default and what it means. docs/configuration.md is generated from this file. */
import { z } from 'zod';
import { DEFAULT_SESSION_LIMITS, MAX_MESSAGE_BYTES, TIME_LIMITS } from '../contracts/limits.ts';
import type { TimeLimits } from '../contracts/limits.ts';
import { POLICIES } from '../contracts/policies.ts';
import type { Policy, PolicyName } from '../contracts/policies.ts';
import { agentSchema, limitsSchema, modelSchema, providerSchema } from '../contracts/settings.ts';

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
  address: z.string().default('127.0.0.1:7233').describe('host:port of the Temporal server.'),
  namespace: z.string().default('default'),
  tls: z.boolean().default(false),
  apiKeyEnv: z
    .string()
    .optional()
    .describe('Name of the environment variable with an API key for Temporal.'),
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
});

const workerSchema = z.strictObject({
  activitySlots: z
    .number()
    .int()
    .min(1)
    .default(1_200)
    .describe('Model calls and records at once in one worker.'),
  toolSlots: z.number().int().min(1).default(20).describe('Tools at once in one worker.'),
  cachedWorkflows: z
    .number()
    .int()
    .min(1)
    .default(1_200)
    .describe('Sessions kept in memory; more than are active, or each turn replays its history.'),
  heartbeatMs: milliseconds
    .default(TIME_LIMITS.heartbeatMs)
    .describe('Without a heartbeat for this long a worker counts as dead.'),
  heartbeatThrottleMs: milliseconds
    .default(TIME_LIMITS.heartbeatThrottleMs)
    .describe('Heartbeats are sent at most this often.'),
  drainMs: milliseconds.default(25_000).describe('How long a shutdown waits for running steps.'),
  healthPort: port
    .optional()
    .describe('Port of /healthz, /readyz and /metrics of a worker process; none when absent.'),
});

const policyOverride = z.strictObject({
  attempts: z.number().int().min(1).nullable().optional(),
  firstWaitMs: milliseconds.optional(),
  factor: z.number().min(1).optional(),
  maxWaitMs: milliseconds.optional(),
  attemptMs: milliseconds.optional(),
});

const names = <K extends string>(keys: readonly K[], schema: z.ZodType): z.ZodType =>
  z.strictObject(Object.fromEntries(keys.map((key) => [key, schema.optional()])));

const timeoutsSchema = z.strictObject(
  Object.fromEntries(
    Object.entries(TIME_LIMITS).map(([key, value]) => [key, milliseconds.default(value)]),
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
  models: z.record(z.string(), modelSchema).default({}),
  agents: z.record(z.string(), agentSchema).default({}),
  defaultModel: z
    .string()
    .optional()
    .describe('Name under models; otherwise chosen by the keys found, else the demo model.'),
  defaultAgent: z.string().default('assistant').describe('Name under agents.'),
  workspaceRoots: z
    .array(z.string())
    .default([])
    .describe('Folders in which workspaces may lie; the folder of the start when empty.'),
  log: z
    .strictObject({
      level: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info'),
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
