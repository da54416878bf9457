import type { ModelStepResult, SealInput } from '../../../contracts/activities.ts';
import type { NewEvent, PerdureEvent } from '../../../contracts/events.ts';
import { newId } from '../../../contracts/ids.ts';
import type { MessageId, SessionId } from '../../../contracts/ids.ts';
import { NO_SPEND } from '../../../contracts/usage.ts';
import type { Spend } from '../../../contracts/usage.ts';
import type {
  Attempt,
  Claim,
  Journal,
  NewSession,
  RequestedCall,
  StepSettlement,
} from '../../../journal/port.ts';

export const OWNER = { tenant: 'acme', user: 'ada' };

export const newSession = (change: Partial<NewSession> = {}): NewSession => ({
  ...OWNER,
  sessionId: newId('ses'),
  digest: 'digest',
  agent: 'assistant',
  model: 'demo',
  workspace: null,
  context: null,
  title: null,
  externalId: null,
  tools: [],
  limits: {},
  ...change,
});

export async function createSession(
  journal: Journal,
  change: Partial<NewSession> = {},
): Promise<SessionId> {
  const { row } = await journal.sessions.create(newSession(change));
  return row.sessionId;
}

export const text = (words: string) => [{ type: 'text' as const, text: words }];

/** The first attempt at the first step of a new turn, unless the change says otherwise. */
export function claimOf(sessionId: SessionId, change: Partial<Claim> = {}): Claim {
  const turn = change.turn ?? newId('msg');
  return {
    sessionId,
    turn,
    step: 1,
    fence: { scheduledAt: 1_000, attempt: 1 },
    inputDigest: 'input',
    messages: [{ messageId: turn, content: text('Hello?'), policy: 'enqueue' }],
    ...change,
  };
}

/** A fence that is newer than that of {@link claimOf}. */
export const LATER = { scheduledAt: 2_000, attempt: 1 };

/** What a worker says whose provider went away. */
export const NETWORK = { code: 'network_error', message: 'gone', retryable: true } as const;

/** A later claim of the same step, with one more message. */
export const withAnother = (claim: Claim, scheduledAt = 2_000): Claim => ({
  ...claim,
  fence: { scheduledAt, attempt: 1 },
  inputDigest: 'other',
  messages: [
    ...claim.messages,
    { messageId: newId('msg'), content: text('And?'), policy: 'steer' },
  ],
});

export async function claimed(journal: Journal, claim: Claim): Promise<Attempt> {
  const result = await journal.steps.claim(claim);
  if (result.state !== 'claimed') throw new Error(`the claim is ${result.state}`);
  return result.attempt;
}

/** A session with an attempt that may write. */
export async function openStep(
  journal: Journal,
  change: Partial<Claim> = {},
): Promise<{ sessionId: SessionId; turn: MessageId; attempt: Attempt }> {
  const sessionId = await createSession(journal);
  const attempt = await claimed(journal, claimOf(sessionId, change));
  return { sessionId, turn: attempt.turn, attempt };
}

export const delta = (words: string, kind: 'text' | 'reasoning' = 'text'): NewEvent => ({
  type: 'content.delta',
  data: { kind, text: words },
});

export const spend = (tokens: number): Spend => ({
  usage: { ...NO_SPEND.usage, outputTokens: tokens },
  costUsd: tokens / 1_000,
});

export const usage = (tokens: number): NewEvent => ({
  type: 'usage.recorded',
  data: { provider: 'demo', model: 'demo', ...spend(tokens) },
});

/** A step that ends its turn with `words`. */
export const answer = (words: string, tokens = 0): StepSettlement => ({
  events: [
    { type: 'content.completed', data: { kind: 'text', text: words } },
    { type: 'model.settled', data: { outcome: 'completed', finishReason: 'stop' } },
    usage(tokens),
    { type: 'turn.settled', data: { outcome: 'completed', ...spend(tokens) } },
  ],
  message: { content: text(words) },
  calls: [],
  spend: spend(tokens),
  result: { outcome: 'completed', spend: spend(tokens) },
});

/** An interrupt of the step. */
export const sealOf = (
  { sessionId, turn, step }: Omit<Attempt, 'fence' | 'number'>,
  change: Partial<SealInput> = {},
): SealInput => ({
  sessionId,
  turn,
  step,
  cause: 'interrupt',
  messages: [],
  turnSpend: spend(0),
  ...change,
});

export const toolCall = (change: Partial<RequestedCall> = {}): RequestedCall => ({
  callId: newId('call'),
  name: 'look_up',
  mode: 'client',
  effect: 'keyed',
  timeoutMs: 60_000,
  arguments: '{"q":"x"}',
  ...change,
});

/** A step that asks for tools. */
export const asksFor = (...calls: RequestedCall[]): StepSettlement => ({
  events: [{ type: 'model.settled', data: { outcome: 'completed', finishReason: 'tool-calls' } }],
  message: { content: [] },
  calls,
  spend: NO_SPEND,
  result: { outcome: 'tool_calls', calls: [], spend: NO_SPEND } satisfies ModelStepResult,
});

/** A session whose first step asked for these calls. */
export async function openCalls(
  journal: Journal,
  ...calls: RequestedCall[]
): Promise<{ sessionId: SessionId; turn: MessageId }> {
  const { sessionId, turn, attempt } = await openStep(journal);
  await journal.steps.finish(attempt, asksFor(...calls));
  return { sessionId, turn };
}

export const allEvents = async (
  journal: Journal,
  sessionId: SessionId,
): Promise<readonly PerdureEvent[]> =>
  (await journal.events.read(sessionId, { after: 0, limit: 100_000 })).events;

export const types = (events: readonly PerdureEvent[]): string[] => events.map(({ type }) => type);

export const deltasOf = (events: readonly PerdureEvent[]): string =>
  events.map((event) => (event.type === 'content.delta' ? event.data.text : '')).join('');
