/** `settleApproval`: a person's decision, checked as the model's own call was, and settled in the journal. */
import type { ApprovalInput, ApprovalResult, MadeDecision } from '../contracts/activities.ts';
import type { ErrorInfo } from '../contracts/errors.ts';
import { PerdureError } from '../contracts/perdure-error.ts';
import type { ApprovalRow, DecidedApproval, Journal } from '../journal/port.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { translated } from './failures.ts';
import { ArgumentChecker } from './tools/arguments.ts';
import { verdictOn } from './tools/approval-verdict.ts';
import { approvalRules } from './tools/judged-calls.ts';

type Dependencies = Pick<ActivityDependencies, 'journal' | 'catalogue'>;
type Refusal = Pick<ErrorInfo, 'code' | 'message'>;
type Checked = { readonly decided: DecidedApproval } | { readonly refusal: Refusal };

async function settle(
  deps: Dependencies,
  checker: ArgumentChecker,
  input: ApprovalInput,
): Promise<ApprovalResult> {
  const { sessionId, approvalId, callId, decision, expired } = input;
  const { approvals } = deps.journal;
  const asked = { sessionId, approvalId, callId };
  if (!decision) return approvals.settle({ ...asked, expired });
  const row = await approvals.get(approvalId);
  if (!row) throw new PerdureError('not_found', `There is no approval ${approvalId}.`);
  // Decided already: what was checked then is not checked again by the rules of today.
  if (row.state === 'settled') return approvals.settle(asked);
  const checked = await check(deps, checker, { row, decision });
  if ('refusal' in checked) return { state: 'refused', error: checked.refusal };
  return approvals.settle({ ...asked, decision: checked.decided });
}

interface Decided {
  readonly row: ApprovalRow;
  readonly decision: NonNullable<ApprovalInput['decision']>;
}

async function check(
  deps: Dependencies,
  checker: ArgumentChecker,
  { row, decision }: Decided,
): Promise<Checked> {
  const { id, by } = decision;
  if (decision.decision === 'reject')
    return { decided: { id, by, outcome: 'rejected', reason: decision.reason } };
  const edited = await editedArguments(deps.journal, row, decision);
  const text = edited ?? row.arguments;
  const refusal =
    (edited === undefined ? undefined : invalid(checker, row, edited)) ??
    (await deniedNow(deps, row, text));
  if (refusal) return { refusal };
  // Arguments that are what they were are none that a person changed.
  const changed = edited === row.arguments ? undefined : edited;
  return { decided: { id, by, outcome: 'approved', arguments: changed } };
}

async function editedArguments(
  { artifacts }: Journal,
  { tenant }: ApprovalRow,
  { argumentsArtifact }: Extract<MadeDecision, { decision: 'approve' }>,
): Promise<string | undefined> {
  if (argumentsArtifact === undefined) return undefined;
  const found = await artifacts.get(tenant, argumentsArtifact);
  if (found) return Buffer.from(found.bytes).toString();
  throw new PerdureError('not_found', `There is no artifact ${argumentsArtifact}.`);
}

function invalid(
  checker: ArgumentChecker,
  { name, inputSchema }: ApprovalRow,
  edited: string,
): Refusal | undefined {
  const problem = checker.problem({ inputSchema }, JSON.parse(edited));
  return problem === undefined
    ? undefined
    : { code: 'invalid_input', message: `"arguments" are not valid for ${name}: ${problem}.` };
}

/** By the rules of now, which may be stricter than those that asked: an approval may wait for weeks. */
async function deniedNow(
  { journal, catalogue }: Dependencies,
  { sessionId, name, effect, mode }: ApprovalRow,
  text: string,
): Promise<Refusal | undefined> {
  const session = await journal.sessions.get(sessionId);
  const agent = session?.agent ?? catalogue.defaultAgent;
  const settings = catalogue.agents[agent] ?? catalogue.agents[catalogue.defaultAgent];
  const rules = approvalRules(agent, settings ?? {}, catalogue);
  const workspace = session?.workspace ?? null;
  const call = { name, effect, mode, arguments: JSON.parse(text) as unknown, workspace };
  const verdict = verdictOn(call, {}, rules);
  if (verdict.action !== 'deny') return undefined;
  const why = verdict.reason === undefined ? '' : ` ${verdict.reason}`;
  return { code: 'forbidden', message: `"arguments": denied by ${verdict.rule}.${why}` };
}

export function createSettleApproval(
  deps: Dependencies,
): (input: ApprovalInput) => Promise<ApprovalResult> {
  const checker = new ArgumentChecker();
  return translated((input) => settle(deps, checker, input));
}
