/**
 * `executeCommand`: one message to a program and its answer. A step as `callModel`'s is: claimed, streamed, settled; but it is never
 * tried twice, for nobody knows what a program has done. Where it fails it throws: the workflow seals the step, which keeps what came of the answer.
 */
import { activityInfo } from '@temporalio/activity';
import type { CommandInput, CommandResult } from '../../contracts/activities.ts';
import type { ContentKind, NewEvent } from '../../contracts/events.ts';
import { PerdureError } from '../../contracts/perdure-error.ts';
import type { BegunCall, Claim, SessionRow } from '../../journal/port.ts';
import type { ActivityDependencies } from '../dependencies.ts';
import { sha256 } from '../digest.ts';
import { translated } from '../failures.ts';
import { Stopped, watchLiveness } from '../liveness.ts';
import type { Liveness } from '../liveness.ts';
import { cleanText } from '../../contracts/clean-text.ts';
import { TextCleaner } from '../model/clean-text.ts';
import { DeltaWriter } from '../model/delta-writer.ts';
import type { Claimed } from '../model/model-step.ts';
import { redact } from '../model/redaction.ts';
import { Asides } from './asides.ts';
import type { ProgramSink } from './exchange.ts';
import type { ProgramHost } from './host.ts';
import type { Reply } from './program.ts';
import { begunBefore, gone } from './program-failure.ts';
import { saidToProgram } from './said-to-program.ts';
import { programSettlement } from './settlement.ts';

export type CommandDependencies = Pick<
  ActivityDependencies,
  'journal' | 'timeouts' | 'log' | 'metrics'
> & { readonly programs: ProgramHost };

function claimOf({ sessionId, turn, step, messages }: CommandInput): Claim {
  const { currentAttemptScheduledTimestampMs: scheduledAt, attempt } = activityInfo();
  const inputDigest = sha256(JSON.stringify([turn, step, 'command', messages]));
  return { sessionId, turn, step, messages, fence: { scheduledAt, attempt }, inputDigest };
}

interface Command {
  readonly deps: CommandDependencies;
  readonly input: CommandInput;
  readonly session: SessionRow;
  readonly claim: Claimed;
  readonly liveness: Liveness;
  /** Of the program's environment: it may print them. */
  readonly secrets: readonly string[];
}

/** What of the answer came so far, and its way into the journal. */
class Answer implements ProgramSink {
  readonly writer: DeltaWriter;
  readonly asides: Asides;
  readonly text = { text: '', reasoning: '' };
  readonly #cleaners = { text: new TextCleaner(), reasoning: new TextCleaner() };
  readonly #firstText: () => void;
  #heard = false;

  constructor({ deps, input, session, claim, liveness, secrets }: Command) {
    const { journal } = deps;
    const { attempt } = claim;
    const labels = { provider: input.provider, model: input.provider };
    const startedAt = performance.now();
    this.writer = new DeltaWriter({
      ...{ journal, attempt, begun: begunOf(input.provider), lastSeq: session.lastSeq },
      onStop: (reason, cause) => liveness.stop(reason, cause),
    });
    this.asides = new Asides({ journal, attempt, secrets });
    this.#firstText = () => deps.metrics?.firstToken(labels, performance.now() - startedAt);
    this.writer.start({ type: 'model.started', data: labels });
  }

  onText(kind: ContentKind, text: string): Promise<void> | undefined {
    if (!this.#heard) this.#firstText();
    this.#heard = true;
    this.text[kind] += text;
    return this.writer.push(kind, this.#cleaners[kind].push(text));
  }

  onAside(stream: 'stdout' | 'stderr', text: string): void {
    this.asides.add(stream, text);
  }

  async close(): Promise<readonly NewEvent[]> {
    const [deltas, asides] = await Promise.all([this.writer.close(), this.asides.close()]);
    return [...deltas, ...asides];
  }

  end(): void {
    this.writer.end();
    this.asides.end();
  }
}

/** A program says itself what it costs, or nobody knows. */
const begunOf = (provider: string): BegunCall => ({
  ...{ provider, model: provider, inputTokens: 0 },
  prices: { inputUsdPerMTok: 0, outputUsdPerMTok: 0 },
});

async function answer(command: Command): Promise<CommandResult> {
  const { deps, input, session, claim, liveness } = command;
  const program = deps.programs.find(input.programId);
  if (!program) throw gone();
  const message = await saidToProgram(deps.journal, session, input.messages);
  const answering = new Answer(command);
  try {
    using _ = deps.programs.inUse(input);
    const { signal } = liveness;
    const reply = await program.ask({
      message,
      sink: answering,
      timeoutMs: input.timeoutMs,
      signal,
    });
    return await settle(command, answering, reply);
  } catch (error) {
    if (liveness.signal.aborted) answering.end();
    // The seal makes what is in the journal the message.
    else await keep(command, await answering.close());
    throw error;
  } finally {
    const { sessionId, turn, step } = input;
    deps.log.debug({ sessionId, turn, step, attempt: claim.attempt.number }, 'command ended');
  }
}

async function keep({ deps, claim }: Command, rest: readonly NewEvent[]): Promise<void> {
  if (rest.length > 0) await deps.journal.steps.append(claim.attempt, rest);
}

async function settle(command: Command, answering: Answer, reply: Reply): Promise<CommandResult> {
  const { deps, input, session, claim, liveness, secrets } = command;
  const rest = await answering.close();
  liveness.signal.throwIfAborted();
  const settlement = await programSettlement(
    { session, deps },
    {
      ...{ session, rest, provider: input.provider, before: claim.spend, used: reply.used },
      text: cleanText(answering.text.text),
      reasoning: cleanText(answering.text.reasoning),
      error: reply.error === undefined ? undefined : redact(reply.error, secrets),
    },
  );
  await deps.journal.steps.finish(claim.attempt, settlement);
  const { conversation } = reply;
  return { result: settlement.result, ...(conversation === undefined ? {} : { conversation }) };
}

const noSession = (id: string): PerdureError =>
  new PerdureError('state_corrupt', `the journal has no session ${id}`);

async function run(deps: CommandDependencies, input: CommandInput): Promise<CommandResult> {
  using liveness = watchLiveness(deps.timeouts.heartbeatThrottleMs);
  const { sessions, steps } = deps.journal;
  const [claim, session] = await Promise.all([
    steps.claim(claimOf(input)),
    sessions.get(input.sessionId),
  ]);
  if (claim.state === 'finished') return { result: claim.result };
  if (claim.state === 'superseded') throw new Stopped('superseded');
  if (!session) throw noSession(input.sessionId);
  if (claim.interruptions > 0) throw begunBefore();
  liveness.stopWhen((done) => steps.whenClosed(claim.attempt, done));
  const secrets = deps.programs.secretsOf(input.provider);
  try {
    return await answer({ deps, input, session, claim, liveness, secrets });
  } catch (error) {
    const stopped = liveness.signal.aborted;
    // A person's interrupt leaves it as it is; whatever else happened, it is of no more use.
    if (!stopped || !wasInterrupted(liveness.signal.reason))
      await deps.programs.terminate(input.programId);
    throw stopped ? liveness.signal.reason : redacted(error, secrets);
  }
}

const wasInterrupted = (reason: unknown): boolean =>
  reason instanceof Stopped && (reason.reason === 'sealed' || reason.reason === 'cancelled');

const redacted = (error: unknown, secrets: readonly string[]): unknown =>
  error instanceof PerdureError
    ? new PerdureError(error.code, redact(error.message, secrets), { cause: error })
    : error;

export const createExecuteCommand = (
  deps: CommandDependencies,
): ((input: CommandInput) => Promise<CommandResult>) => translated((input) => run(deps, input));
