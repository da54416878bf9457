/** Whether the Temporal that answers now is the one from before, or one restored from an earlier moment. */
import type { Context } from '@temporalio/activity';
import type { ActivityInterceptors, NativeConnection } from '@temporalio/worker';
import { PerdureError } from '../contracts/perdure-error.ts';

/** An activity as Temporal's history has it. */
interface Scheduled {
  readonly workflowId: string;
  readonly runId: string;
  readonly activityId: string;
  readonly scheduledMs: number;
}

/**
 * What this process holds of a Temporal that was set back belongs to a past that has not happened: its cached sessions would pass messages over, and the
 * results of its activities would be taken for those of others with the same numbers. It ends at once, without a drain, as by kill -9.
 */
export class TemporalSetBack extends PerdureError {
  constructor() {
    super('engine_unavailable', 'Temporal was restored from an earlier moment: starting afresh.');
  }
}

export const isTemporalSetBack = (failure: unknown): boolean => failure instanceof TemporalSetBack;

/** Remembers the newest activity that this process was handed: a server that knows it has everything that came before it. */
export class NewestActivity {
  #newest: Scheduled | undefined;

  readonly interceptor = ({ info }: Context): ActivityInterceptors => {
    const { workflowExecution, activityId, scheduledTimestampMs: scheduledMs } = info;
    const isNewer = scheduledMs >= (this.#newest?.scheduledMs ?? 0);
    if (!info.isLocal && workflowExecution && isNewer)
      this.#newest = { ...workflowExecution, activityId, scheduledMs };
    return {};
  };

  /** @throws what the server answers other than the history, or that there is none */
  async isUnknownTo(connection: NativeConnection, namespace: string): Promise<boolean> {
    if (!this.#newest) return false;
    const found = await find(this.#newest, { connection, namespace });
    return found === undefined || found !== this.#newest.scheduledMs;
  }
}

const PAGE = 100;
const DEADLINE_MS = 10_000;
const NOT_FOUND = 5;

interface Server {
  readonly connection: NativeConnection;
  readonly namespace: string;
}

/** When the run's activity of this number was scheduled; undefined where there is none, at least not so late. */
async function find(activity: Scheduled, server: Server): Promise<number | undefined> {
  for await (const event of newestFirst(activity, server)) {
    const at = millisecondsOf(event.eventTime);
    const isIt = event.activityTaskScheduledEventAttributes?.activityId === activity.activityId;
    if (isIt || at < activity.scheduledMs) return isIt ? at : undefined;
  }
  return undefined;
}

async function* newestFirst({ workflowId, runId }: Scheduled, { connection, namespace }: Server) {
  let nextPageToken: Uint8Array | undefined;
  do {
    const request = {
      namespace,
      execution: { workflowId, runId },
      maximumPageSize: PAGE,
      ...(nextPageToken && { nextPageToken }),
    };
    const page = await connection
      .withDeadline(Date.now() + DEADLINE_MS, () =>
        connection.workflowService.getWorkflowExecutionHistoryReverse(request),
      )
      .catch((error: { code?: unknown }) => {
        if (error.code === NOT_FOUND) return undefined;
        throw error;
      });
    yield* page?.history?.events ?? [];
    nextPageToken = page?.nextPageToken;
  } while (nextPageToken?.length);
}

interface Timestamp {
  readonly seconds?: { toNumber(): number } | null;
  readonly nanos?: number | null;
}

const millisecondsOf = (time: Timestamp | null | undefined): number =>
  (time?.seconds?.toNumber() ?? 0) * 1_000 + Math.floor((time?.nanos ?? 0) / 1_000_000);
