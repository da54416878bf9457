/** Runners come, are shown, shared and removed. */
import type { AuditAction } from '../../contracts/audit.ts';
import type { RunnerId } from '../../contracts/ids.ts';
import type { AgentToolCall, RegisterRunner } from '../../contracts/runners.ts';
import type { RunnerRow } from '../../journal/port.ts';
import type { ApiContext } from '../context.ts';
import { sees } from '../auth/principal.ts';
import { actionOf } from './action.ts';
import { ownRunner, refuseReplaced, unknownRunner } from './own.ts';
import { canServe } from './serving.ts';

/** Calls that one poll answers with. */
const MOST = 1_000;

export interface Registered {
  readonly runnerId: RunnerId;
  readonly replaced: boolean;
}

/** A runner that starts again, or another process under its name, which has its calls from then on. */
export async function registerRunner(ctx: ApiContext, runner: RegisterRunner): Promise<Registered> {
  const { deps, principal } = ctx;
  const { row, before } = await deps.journal.runners.register(principal, runner);
  const replaced = before !== null && before !== runner.instance;
  if (before === null || replaced) await note(ctx, row, { action: 'runner.registered', replaced });
  return { runnerId: row.runnerId, replaced };
}

/** Runners see themselves; people what may serve them; operators all of their tenant. */
export async function listRunners({ deps, principal }: ApiContext): Promise<readonly RunnerRow[]> {
  const { tenant, user, role } = principal;
  const rows = await deps.journal.runners.list(role === 'operator' ? { tenant } : { tenant, user });
  return role === 'runner' ? rows.filter((row) => row.user === user) : rows;
}

/** What a runner that cannot keep a stream open may claim now. @throws not_found, runner_replaced */
export async function openCalls(
  ctx: ApiContext,
  { runnerId, instance }: { runnerId: RunnerId; instance: RunnerId },
): Promise<readonly AgentToolCall[]> {
  const { runners, ledger } = ctx.deps.journal;
  const runner = await ownRunner(ctx, runnerId);
  refuseReplaced(runner, instance);
  await runners.seen(runnerId, instance);
  const calls = await ledger.remote({ tenants: [runner.tenant] }, MOST);
  return calls
    .filter((call) => call.claimable && canServe(runner, call))
    .map((call) => actionOf(call, runner));
}

/**
 * It takes no more calls. It stays registered, may answer those that it has claimed, and is there again as soon as it is heard of.
 * @throws not_found, runner_replaced
 */
export async function leaveRunner(
  ctx: ApiContext,
  { runnerId, instance }: { runnerId: RunnerId; instance: RunnerId },
): Promise<void> {
  refuseReplaced(await ownRunner(ctx, runnerId), instance);
  await ctx.deps.journal.runners.left(runnerId, instance);
}

/** @throws not_found */
export async function shareRunner(
  ctx: ApiContext,
  { runnerId, shared }: { runnerId: RunnerId; shared: boolean },
): Promise<RunnerRow> {
  const row = await seenRunner(ctx, runnerId);
  const changed = await ctx.deps.journal.runners.share(runnerId, shared);
  if (!changed) throw unknownRunner(runnerId);
  await note(ctx, row, { action: 'runner.shared', shared });
  return changed;
}

/** It may register again; revoke its key where it must not. @throws not_found */
export async function removeRunner(ctx: ApiContext, runnerId: RunnerId): Promise<void> {
  const row = await seenRunner(ctx, runnerId);
  if (!(await ctx.deps.journal.runners.remove(runnerId))) throw unknownRunner(runnerId);
  await note(ctx, row, { action: 'runner.removed' });
}

async function seenRunner({ deps, principal }: ApiContext, runnerId: RunnerId): Promise<RunnerRow> {
  const row = await deps.journal.runners.get(runnerId);
  if (row && sees(principal, row)) return row;
  throw unknownRunner(runnerId);
}

async function note(
  { deps, principal }: ApiContext,
  { runnerId, name, workdir }: RunnerRow,
  { action, ...details }: { action: AuditAction; replaced?: boolean; shared?: boolean },
): Promise<void> {
  const { tenant, user } = principal;
  await deps.journal.audit.write({
    ...{ tenant, user, action },
    subject: runnerId,
    details: { name, workdir, ...details },
  });
}
