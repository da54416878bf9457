/** The programs of this worker process, where some agent has one as its engine. */
import { Client, WorkflowNotFoundError } from '@temporalio/client';
import type { WorkflowExecutionStatusName } from '@temporalio/client';
import type { NativeConnection } from '@temporalio/worker';
import { ProgramHost } from '../activities/programs.ts';
import type { Forgetting, Left } from '../activities/programs.ts';
import type { SecretLookup } from '../config/secrets.ts';
import type { Settings } from '../config/settings.ts';
import type { SessionId } from '../contracts/ids.ts';
import { PROGRAM_LEFT } from '../contracts/names.ts';
import type { Logger } from '../telemetry/log.ts';

export interface ProgramWorkerParts {
  readonly settings: Settings;
  readonly secrets: SecretLookup;
  readonly log: Logger;
  readonly connection: NativeConnection;
  /** Tests do not wait for minutes. */
  readonly forgetting?: Partial<Forgetting> | undefined;
}

/** Polling one more queue costs a little, so it is done where there is something to come. */
export async function openPrograms(parts: ProgramWorkerParts): Promise<ProgramHost | undefined> {
  const { settings, secrets, log, forgetting } = parts;
  const { catalogue, cliProviders: providers, home, worker } = settings;
  if (!Object.values(catalogue.agents).some(({ engine }) => engine)) return undefined;
  const client = clientOf(parts);
  return ProgramHost.open({
    ...{ providers, home, secrets, log, forgetting },
    most: worker.cliSessions,
    isOver: (sessionId) => isOver(client, sessionId),
  });
}

const clientOf = ({
  connection,
  settings,
}: Pick<ProgramWorkerParts, 'connection' | 'settings'>): Client =>
  new Client({ connection, namespace: settings.temporal.namespace });

const ASK_WITHIN_MS = 3_000;

/** Asked again in a few minutes where Temporal does not answer. A run that goes on as a new one is open, too. */
async function isOver(client: Client, sessionId: SessionId): Promise<boolean> {
  try {
    const { status } = await client.withDeadline(Date.now() + ASK_WITHIN_MS, () =>
      client.workflow.getHandle(sessionId).describe(),
    );
    return ENDS.has(status.name);
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return true;
    throw error;
  }
}

const ENDS: ReadonlySet<WorkflowExecutionStatusName> = new Set([
  'COMPLETED',
  'FAILED',
  'CANCELLED',
  'TERMINATED',
  'TIMED_OUT',
]);

/** A drain does not wait longer for a Temporal that does not answer: who was not told finds out by himself, after 10 s. */
const TELL_WITHIN_MS = 3_000;

export type RetireParts = Pick<ProgramWorkerParts, 'settings' | 'connection' | 'log'>;

/** Ends the programs that wait for a message, and tells their sessions, whose next message starts another one at once. */
export async function retirePrograms(programs: ProgramHost, parts: RetireParts): Promise<void> {
  const { log } = parts;
  const client = clientOf(parts);
  await programs.retire(async ({ sessionId, ...left }: Left) => {
    const session = client.workflow.getHandle(sessionId);
    try {
      await client.withDeadline(Date.now() + TELL_WITHIN_MS, () =>
        session.signal(PROGRAM_LEFT, left),
      );
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return;
      log.warn({ err: error, sessionId }, 'a session could not be told that its program has gone');
    }
  });
}
