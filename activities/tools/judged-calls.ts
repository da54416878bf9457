/** What the approval policy makes of a step's calls: most run, some are denied at once, and about some a person is asked. */
import { approvalIdOf } from '../../contracts/approvals.ts';
import { MAX_ARGUMENTS_PREVIEW_CHARACTERS } from '../../contracts/limits.ts';
import { errorInfo } from '../../contracts/errors.ts';
import type { SessionId } from '../../contracts/ids.ts';
import type { AgentSettings, ModelCatalogue } from '../../contracts/settings.ts';
import type { RequestedApproval } from '../../journal/port.ts';
import { cleanText } from '../../contracts/clean-text.ts';
import { cutMiddle } from '../../contracts/cut-middle.ts';
import { verdictOn } from './approval-verdict.ts';
import type { ApprovalRules, Verdict } from './approval-verdict.ts';
import type { ToolDefinition } from './definition.ts';
import type { OfferedTools } from './offered-tools.ts';
import type { Request } from './requested-calls.ts';

export interface Judging {
  readonly sessionId: SessionId;
  readonly workspace: string | null;
  readonly rules: ApprovalRules;
  readonly tools: OfferedTools;
  /** How long a person has to decide. */
  readonly waitMs: number;
  /** What a tool may take to say what a call would do. */
  readonly previewMs: number;
  /** The step is being stopped. */
  readonly signal: AbortSignal;
}

export const approvalRules = (
  agent: string,
  { approvals, approvalPolicy }: Pick<AgentSettings, 'approvals' | 'approvalPolicy'>,
  catalogue: Pick<ModelCatalogue, 'approvalPolicy'>,
): ApprovalRules => ({
  agent,
  overrides: approvals ?? {},
  ofAgent: approvalPolicy ?? [],
  ofAll: catalogue.approvalPolicy ?? [],
});

/** Calls that are settled already (unknown tools, bad arguments) stay as they are. */
export const judgeCalls = (requests: readonly Request[], judging: Judging): Promise<Request[]> =>
  Promise.all(requests.map((request) => judged(request, judging)));

async function judged(request: Request, judging: Judging): Promise<Request> {
  const { call, part } = request;
  const tool = judging.tools.get(call.name);
  if (call.settlement || !tool) return request;
  const { name, effect, mode } = call;
  const { workspace, rules } = judging;
  const verdict = verdictOn(
    { name, effect, mode, arguments: part.arguments, workspace },
    tool,
    rules,
  );
  if (verdict.action === 'allow') return request;
  return verdict.action === 'deny'
    ? denied(request, verdict)
    : asked(request, tool, { verdict, judging });
}

function denied(request: Request, { rule, reason }: Verdict): Request {
  const why = reason === undefined ? '' : ` ${reason}`;
  const error = errorInfo('tool_denied', `${request.call.name} is denied by ${rule}.${why}`);
  return {
    ...request,
    call: { ...request.call, settlement: { outcome: 'rejected', error } },
    ref: { ...request.ref, settled: true },
  };
}

async function asked(
  request: Request,
  tool: ToolDefinition,
  { verdict, judging }: { verdict: Verdict; judging: Judging },
): Promise<Request> {
  const { call } = request;
  const { sessionId, waitMs } = judging;
  const preview = await previewOf(request, tool, judging);
  const approval: RequestedApproval = {
    inputSchema: tool.inputSchema,
    rule: verdict.rule,
    waitMs,
    ...(verdict.reason === undefined ? {} : { reason: verdict.reason }),
    ...(preview === undefined ? {} : { preview }),
  };
  const approvalId = approvalIdOf(sessionId, call.callId, call.arguments);
  return {
    ...request,
    call: { ...call, approval },
    ref: { ...request.ref, approval: { approvalId, waitMs } },
  };
}

/** A tool that cannot tell, or takes too long, hides nothing: the person sees the arguments. */
async function previewOf(
  { call, part }: Request,
  tool: ToolDefinition,
  { sessionId, workspace, previewMs, signal: stop }: Judging,
): Promise<string | undefined> {
  if (!tool.preview) return undefined;
  const signal = AbortSignal.any([stop, AbortSignal.timeout(previewMs)]);
  const { callId, name } = call;
  const run = { sessionId, callId, name, input: part.arguments, workspace, signal };
  const given = Promise.withResolvers<undefined>();
  signal.addEventListener('abort', () => given.resolve(undefined), { once: true });
  // Async, so that what is thrown before there is a promise is caught like the rest.
  const say = async () => tool.preview?.(run);
  const said = say().catch(() => undefined);
  const preview = await Promise.race([said, given.promise]);
  return preview === undefined || preview === ''
    ? undefined
    : cutMiddle(cleanText(preview), MAX_ARGUMENTS_PREVIEW_CHARACTERS);
}
