/** From the model's tool calls to rows of the ledger: ours get ids, bad ones are settled at once so that the model reads why. */
import { MAX_ARGUMENT_BYTES, MAX_CALLS_PER_STEP } from '../../contracts/limits.ts';
import { errorInfo } from '../../contracts/errors.ts';
import { newId } from '../../contracts/ids.ts';
import type { ToolCallRef, ToolSettlement } from '../../contracts/tools.ts';
import type { ToolCallPart } from '../../contracts/transcript.ts';
import type { RequestedCall } from '../../journal/port.ts';
import { cleanText } from '../../contracts/clean-text.ts';
import { cleanJson } from '../model/clean-text.ts';
import type { ArgumentChecker } from './arguments.ts';
import type { OfferedTools } from './offered-tools.ts';

/** For the Temporal UI. */
const SUMMARY_CHARACTERS = 120;

const NAME_CHARACTERS = 64;
/** A call goes back to the provider with every later step, and one refuses the whole conversation over a name of other characters than these. */
const UNSAYABLE = /[^A-Za-z0-9_-]/g;

export interface ModelToolCall {
  readonly id: string;
  readonly name: string;
  readonly input: unknown;
}

export interface Request {
  /** The provider's own id. */
  readonly providerId: string;
  readonly call: RequestedCall;
  readonly part: ToolCallPart;
  readonly ref: ToolCallRef;
}

/** What a step offers, and how its calls are checked. */
export interface CallChecks {
  readonly tools: OfferedTools;
  readonly checker: ArgumentChecker;
  /** Why a tool that its agent may use is not offered, where a source knows. */
  readonly absence?: ((tool: string) => string | undefined) | undefined;
}

const failed = (message: string): ToolSettlement => ({
  outcome: 'failed',
  error: errorInfo('tool_failed', message),
});

interface Said extends ModelToolCall {
  /** As JSON. */
  readonly json: string;
  /** Among the calls of its step, from 0. */
  readonly index: number;
}

function objection(
  { json, index, ...call }: Said,
  { tools, checker, absence }: CallChecks,
): ToolSettlement | undefined {
  if (index >= MAX_CALLS_PER_STEP)
    return failed(
      `It did not run: at most ${MAX_CALLS_PER_STEP} calls of one step do. Call it in a later step.`,
    );
  const tool = tools.get(call.name);
  if (!tool)
    return failed(
      absence?.(call.name) ??
        `There is no tool "${cleanText(call.name.slice(0, NAME_CHARACTERS))}". Tools: ${[...tools.keys()].join(', ') || 'none'}.`,
    );
  if (Buffer.byteLength(json) > MAX_ARGUMENT_BYTES)
    return failed(`The arguments have more than ${MAX_ARGUMENT_BYTES} bytes: send less at once.`);
  const problem = checker.problem(tool, call.input);
  return problem === undefined
    ? undefined
    : failed(`Invalid arguments for ${call.name}: ${problem}.`);
}

const clip = (text: string): string =>
  text.length <= SUMMARY_CHARACTERS ? text : `${text.slice(0, SUMMARY_CHARACTERS - 1)}…`;

const sayable = (name: string): string =>
  name.replaceAll(UNSAYABLE, '_').slice(0, NAME_CHARACTERS) || '_';

function request(said: ModelToolCall, index: number, context: CallChecks): Request {
  const callId = newId('call');
  const json = cleanJson(JSON.stringify(said.input ?? null));
  const call = { ...said, input: JSON.parse(json) as unknown };
  const settlement = objection({ ...call, json, index }, context);
  const tool = context.tools.get(call.name);
  const { mode, effect, timeoutMs, runner } = tool ?? {
    mode: 'worker' as const,
    effect: 'read' as const,
    timeoutMs: 0,
    runner: undefined,
  };
  const name = sayable(call.name);
  return {
    providerId: call.id,
    call: {
      callId,
      name,
      mode,
      effect,
      timeoutMs,
      arguments: json,
      ...(runner ? { runner } : {}),
      ...(settlement ? { settlement } : {}),
    },
    part: { type: 'tool-call', callId, name, arguments: call.input ?? {} },
    ref: {
      callId,
      name,
      mode,
      effect,
      timeoutMs,
      summary: clip(`${name} ${json}`),
      ...(settlement ? { settled: true } : {}),
    },
  };
}

/** One for each call, in their order. Those beyond {@link MAX_CALLS_PER_STEP} are settled: the model reads that they did not run. */
export const requestCalls = (calls: readonly ModelToolCall[], context: CallChecks): Request[] =>
  calls.map((call, index) => request(call, index, context));
