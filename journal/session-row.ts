/** A session's row as servers see it. */
import type { ClientTool } from '../contracts/tools.ts';
import type { RunnerSelector } from '../contracts/runners.ts';
import type { LimitOverrides } from '../contracts/settings.ts';
import type { SessionDetails } from '../contracts/projections/session.ts';
import type { SessionRow } from './port.ts';
import type { SessionRecord } from './tables.ts';

/** What a start asked for and no event says. */
export interface SessionRequest {
  readonly title: string | null;
  readonly tools: readonly ClientTool[];
  readonly limits: LimitOverrides;
  /** Absent in sessions that were made before there were runners. */
  readonly runner?: RunnerSelector | null | undefined;
  /** When each limit that was set since was decided, in the workflow's order. */
  readonly decidedAt?: Readonly<Record<string, number>> | undefined;
}

export function sessionRow(record: SessionRecord): SessionRow {
  const {
    turnSeq: _,
    queue,
    awaited: __,
    approvals: ___,
    ...details
  } = JSON.parse(record.details) as SessionDetails;
  const { decidedAt: ____, ...request } = JSON.parse(record.request) as SessionRequest;
  return {
    sessionId: record.id,
    tenant: record.tenant,
    user: record.user_id,
    digest: record.digest,
    externalId: record.external_id,
    state: record.state,
    lastSeq: record.last_seq,
    updatedAt: new Date(record.updated_at).toISOString(),
    queued: queue.length,
    ...details,
    ...request,
    title: request.title ?? details.title ?? null,
  };
}
