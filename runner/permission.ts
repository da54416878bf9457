/** Whether a call may run on this machine. The owner of the machine decides, whatever the agent's own approvals say. Pure. */
import type { Effect } from '../contracts/tools.ts';

export interface Permissions {
  /** Names of tools; `*` stands for any part. */
  readonly allow: readonly string[];
  /** Wins over `allow`. */
  readonly deny: readonly string[];
  /** Ask for every call that no name allows; otherwise only for those that do more than read. */
  readonly askAlways: boolean;
}

export type Permission = 'run' | 'ask' | 'deny';

export function permissionFor(
  { name, effect }: { readonly name: string; readonly effect: Effect },
  { allow, deny, askAlways }: Permissions,
): Permission {
  if (deny.some((pattern) => matches(pattern, name))) return 'deny';
  if (allow.some((pattern) => matches(pattern, name))) return 'run';
  return effect === 'read' && !askAlways ? 'run' : 'ask';
}

const matches = (pattern: string, name: string): boolean => {
  const [first = '', ...rest] = pattern.split('*');
  if (rest.length === 0) return pattern === name;
  if (!name.startsWith(first)) return false;
  const last = rest.pop()!;
  let at = first.length;
  for (const part of rest) {
    const found = name.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return name.length - last.length >= at && name.endsWith(last);
};
