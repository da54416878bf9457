/** From the model's tool calls to rows of the ledger: ours get ids, bad ones are settled at once so that the model reads why. */
import { MAX_ARGUMENT_BYTES, MAX_CALLS_PER_STEP } from '../../contracts/limits.ts';
import { errorInfo } from '../../contracts/errors.ts';
import { newId } from '../../contracts/ids.ts';
import type { ToolCallRef, ToolSettlement } from '../../contracts/tools.ts';
import type { ToolCallPart } from '../../contracts/transcript.ts';
import type { RequestedCall } from '../../journal/port.ts';
import type { ArgumentChecker } from './arguments.ts';
import type { OfferedTools } from './offered-tools.ts';

/** For the Temporal UI. */
const SUMMARY_CHARACTERS = 120;

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

const failed = (message: string): ToolSettlement => ({
  outcome: 'failed',
  error: errorInfo('tool_failed', message),
});

function objection(
  call: ModelToolCall,
  json: string,
  { tools, checker }: { tools: OfferedTools; checker: ArgumentChecker },
): ToolSettlement | undefined {
  const tool = tools.get(call.name);
  if (!tool)
    return failed(
      `There is no tool "${call.name}". Tools: ${[...tools.keys()].join(', ') || 'none'}.`,
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

function request(
  call: ModelToolCall,
  context: { tools: OfferedTools; checker: ArgumentChecker },
): Request {
  const callId = newId('call');
  const json = JSON.stringify(call.input ?? null);
  const settlement = objection(call, json, context);
  const tool = context.tools.get(call.name);
  const { mode, effect, timeoutMs, runner } = tool ?? {
    mode: 'worker' as const,
    effect: 'read' as const,
    timeoutMs: 0,
    runner: undefined,
  };
  const name = call.name.slice(0, 64);
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

/** At most {@link MAX_CALLS_PER_STEP}; the model is not told about those beyond, as if it had not said them. */
export const requestCalls = (
  calls: readonly ModelToolCall[],
  context: { tools: OfferedTools; checker: ArgumentChecker },
): Request[] => calls.slice(0, MAX_CALLS_PER_STEP).map((call) => request(call, context));
