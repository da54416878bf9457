/** Whether a call may run, must be asked about, or is denied: the rules of perdure.yaml on one call. Pure. */
import type {
  ApprovalPolicy,
  ApprovalPolicyRule,
  ArgumentCondition,
} from '../../contracts/approval-policy.ts';
import { linearPattern } from '../../contracts/patterns.ts';
import type { LinearPattern } from '../../contracts/patterns.ts';
import type { ApprovalRule, Effect, ToolMode } from '../../contracts/tools.ts';

/** A call as rules see it. */
export interface JudgedCall {
  readonly name: string;
  readonly effect: Effect;
  readonly mode: ToolMode;
  /** JSON. */
  readonly arguments: unknown;
  /** Absolute; null where the session has none. */
  readonly workspace: string | null;
}

/** What perdure.yaml says for one agent. */
export interface ApprovalRules {
  /** Name under agents. */
  readonly agent: string;
  /** Tool → rule, instead of the tool's own. */
  readonly overrides: Readonly<Record<string, ApprovalRule>>;
  /** The agent's own, looked at first. */
  readonly ofAgent: ApprovalPolicy;
  readonly ofAll: ApprovalPolicy;
}

export interface Verdict {
  readonly action: 'allow' | 'ask' | 'deny';
  /** What decided, in words of perdure.yaml. */
  readonly rule: string;
  readonly reason?: string | undefined;
}

/** Declared by a client or offered by somebody's machine: what it says of itself may ask for more than the policy does, never for less. */
const DECLARED_BY_STRANGERS: ReadonlySet<ToolMode> = new Set(['client', 'remote']);

/** `deny` holds whatever a tool says of itself; then `always` and `never` are stronger than the policy. */
export function verdictOn(
  call: JudgedCall,
  tool: { readonly approval?: ApprovalRule | undefined },
  rules: ApprovalRules,
): Verdict {
  const policy = byPolicy(call, rules);
  if (policy?.action === 'deny') return policy;
  const stated = statedRule(call, tool.approval, rules);
  if (stated?.rule === 'always') return { action: 'ask', rule: stated.words };
  if (stated?.rule === 'never') return { action: 'allow', rule: stated.words };
  return policy ?? { action: 'allow', rule: 'no rule' };
}

function statedRule(
  { name, mode }: JudgedCall,
  own: ApprovalRule | undefined,
  { agent, overrides }: ApprovalRules,
): { readonly rule: ApprovalRule; readonly words: string } | undefined {
  const override = Object.hasOwn(overrides, name) ? overrides[name] : undefined;
  if (override) return { rule: override, words: `agents.${agent}.approvals.${name}: ${override}` };
  if (own === undefined || (own === 'never' && DECLARED_BY_STRANGERS.has(mode))) return undefined;
  return { rule: own, words: `the tool ${name}: ${own}` };
}

function byPolicy(call: JudgedCall, { agent, ofAgent, ofAll }: ApprovalRules): Verdict | undefined {
  return (
    firstMatch(call, ofAgent, `agents.${agent}.approvalPolicy`) ??
    firstMatch(call, ofAll, 'approvalPolicy')
  );
}

function firstMatch(call: JudgedCall, policy: ApprovalPolicy, path: string): Verdict | undefined {
  const index = policy.findIndex((rule) => matches(call, rule));
  const rule = policy[index];
  if (!rule) return undefined;
  const { action, reason } = rule;
  return { action, rule: `${path}[${index}]`, ...(reason === undefined ? {} : { reason }) };
}

const matches = (call: JudgedCall, rule: ApprovalPolicyRule): boolean =>
  (rule.tool === undefined || isLike(rule.tool, call.name)) &&
  (rule.effect === undefined || rule.effect === call.effect) &&
  (rule.workspace === undefined ||
    (call.workspace !== null && isLike(rule.workspace, call.workspace))) &&
  (rule.arguments ?? []).every((condition) => holds(condition, call.arguments));

/** All of `text`, `*` for any characters. */
function isLike(pattern: string, text: string): boolean {
  const [first = '', ...rest] = pattern.split('*');
  if (rest.length === 0) return pattern === text;
  const last = rest.pop()!;
  if (!text.startsWith(first)) return false;
  let from = first.length;
  // The first place is the best one: nothing that follows could need an earlier end.
  for (const piece of rest) {
    const at = text.indexOf(piece, from);
    if (at < 0) return false;
    from = at + piece.length;
  }
  return text.length - last.length >= from && text.endsWith(last);
}

function holds({ pointer, equals, matches: pattern }: ArgumentCondition, input: unknown): boolean {
  const value = at(pointer, input);
  if (value === undefined) return false;
  if (pattern === undefined) return canonical(value) === canonical(equals);
  return compiled(pattern).test(typeof value === 'string' ? value : JSON.stringify(value));
}

/** RFC 6901; undefined where nothing is there. */
function at(pointer: string, input: unknown): unknown {
  let value = input;
  for (const token of pointer.split('/').slice(1)) {
    if (typeof value !== 'object' || value === null) return undefined;
    const key = token.replaceAll('~1', '/').replaceAll('~0', '~');
    if (!Object.hasOwn(value, key)) return undefined;
    value = (value as Record<string, unknown>)[key];
  }
  return value;
}

/** The order of an object's keys does not count. */
const canonical = (value: unknown): string =>
  JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );

/** Patterns come from perdure.yaml only, so there are as many as it has. */
const patterns = new Map<string, LinearPattern>();

function compiled(pattern: string): LinearPattern {
  const known = patterns.get(pattern) ?? linearPattern(pattern);
  patterns.set(pattern, known);
  return known;
}
