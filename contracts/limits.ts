/** Every limit that is not a matter of a person's configuration, and the defaults of those that are. Pure, no zod. */

const KIB = 1024;

/** A message in a request. Larger content is uploaded as an artifact first. */
export const MAX_MESSAGE_BYTES = 256 * KIB;
/** A tool result inline in its request. */
export const MAX_TOOL_RESULT_BYTES = 1024 * KIB;
/** An uploaded artifact. */
export const MAX_ARTIFACT_BYTES = 32 * 1024 * KIB;
/** Why a call has no result, in an answer of whoever ran it. */
export const MAX_ANSWER_MESSAGE_CHARACTERS = 10_000;
/** Of an API key: whom it stands for, and his tenant; the note for people. */
export const MAX_KEY_NAME_CHARACTERS = 100;
export const MAX_KEY_LABEL_CHARACTERS = 200;
/** Above this, Temporal and events see a reference instead of the content. */
export const INLINE_BYTES = 32 * KIB;
/** No payload above this ever reaches Temporal: an oversized activity argument would be retried for ever. */
export const MAX_TEMPORAL_BYTES = 64 * KIB;
/** Messages waiting in one session. */
export const MAX_QUEUED_MESSAGES = 100;
/** Message ids a session remembers across continue-as-new; the journal's unique key is the permanent backstop. */
export const REMEMBERED_MESSAGE_IDS = 1_000;
/** Idempotency keys of edits and reconfigurations that a session remembers across continue-as-new. */
export const REMEMBERED_UPDATES = 100;
/** Arguments of a tool call: larger than a message may be they are a model gone astray. */
export const MAX_ARGUMENT_BYTES = 256 * KIB;
/** Tool calls in one model step that run; those beyond are told to the model as failed. */
export const MAX_CALLS_PER_STEP = 64;
/** Tools that one session or agent may declare. */
export const MAX_DECLARED_TOOLS = 64;

/** The schema of one declared tool, as JSON. */
export const MAX_TOOL_SCHEMA_BYTES = 16 * KIB;
/** Of the schemas of one declaration together: checking them takes time from whoever else uses the process. */
export const MAX_TOOL_SCHEMAS_BYTES = 256 * KIB;
/** Objects and lists in each other; each property of a property takes two. */
export const MAX_TOOL_SCHEMA_DEPTH = 64;
/** Length of a schema's regular expressions, what is repeated counted as often as it may occur. */
export const MAX_TOOL_PATTERNS_LENGTH = 5_000;

/** What a person is shown of a call's preview, characters. */
export const MAX_ARGUMENTS_PREVIEW_CHARACTERS = 8_000;

/** Mission D3, milliseconds: defaults of `timeouts` in perdure.yaml. */
export const TIME_LIMITS = {
  sessionIdleMs: 300_000,
  sessionLifetimeMs: 3_600_000,
  /** How long before the end a `session.warning` is sent. */
  sessionWarningMs: 30_000,
  authMs: 30_000,
  commandMs: 300_000,
  commandMaxMs: 1_800_000,
  socketPingMs: 30_000,
  socketPongMs: 10_000,
  socketReconnectMs: 5_000,
  /** A tool call answered from outside: from the claim to the result. */
  toolResultMs: 300_000,
  /** A tool call answered from outside: from the offer to the first claim. */
  toolClaimMs: 86_400_000,
  /** A claim is a lease: without a sign of life for this long it is offered again. */
  toolLeaseMs: 15_000,
  /** A call that a person has to approve: from the question to its expiry. */
  approvalMs: 86_400_000,
  /** What a tool may take to say what a call would do; the person is asked without it then. */
  previewMs: 5_000,
  modelFirstTokenMs: 60_000,
  modelSilenceMs: 30_000,
  modelAttemptMs: 600_000,
  /** Without a heartbeat for this long a worker counts as dead and the step goes on elsewhere. */
  heartbeatMs: 12_000,
  heartbeatThrottleMs: 4_000,
  ssePingMs: 10_000,
  sseMaxAgeMs: 900_000,
  /** How long an update (edit of the queue, reconfiguration) waits for a worker. */
  updateMs: 5_000,
} as const;
export type TimeLimits = {
  readonly [Name in keyof typeof TIME_LIMITS]: number;
};

/** Limits of a session, snapshotted into its workflow when it starts. Null means unlimited. */
export interface SessionLimits {
  readonly stepsPerTurn: number;
  /** Calls of one step that workers run at once. */
  readonly parallelCalls: number;
  readonly tokensPerTurn: number | null;
  readonly usdPerTurn: number | null;
  readonly tokensPerSession: number | null;
  readonly usdPerSession: number | null;
  readonly idleMs: number;
  readonly lifetimeMs: number;
  readonly warningMs: number;
  readonly toolResultMs: number;
  readonly toolClaimMs: number;
  /** Events after which a run continues as new at the next idle boundary, besides Temporal's own suggestion. */
  readonly historyEvents: number;
}

export const DEFAULT_SESSION_LIMITS: SessionLimits = {
  stepsPerTurn: 50,
  parallelCalls: 16,
  tokensPerTurn: null,
  usdPerTurn: null,
  tokensPerSession: null,
  usdPerSession: null,
  idleMs: TIME_LIMITS.sessionIdleMs,
  lifetimeMs: TIME_LIMITS.sessionLifetimeMs,
  warningMs: TIME_LIMITS.sessionWarningMs,
  toolResultMs: TIME_LIMITS.toolResultMs,
  toolClaimMs: TIME_LIMITS.toolClaimMs,
  historyEvents: 4_000,
};
