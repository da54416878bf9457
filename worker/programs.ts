/** The programs of this worker process, where some agent has one as its engine. */
import { Client, WorkflowNotFoundError } from '@temporalio/client';
import type { NativeConnection } from '@temporalio/worker';
import { ProgramHost } from '../activities/programs.ts';
import type { Left } from '../activities/programs.ts';
import type { SecretLookup } from '../config/secrets.ts';
import type { Settings } from '../config/settings.ts';
import { PROGRAM_LEFT } from '../contracts/names.ts';
import type { Logger } from '../telemetry/log.ts';

export interface ProgramWorkerParts {
  readonly settings: Settings;
  readonly secrets: SecretLookup;
  readonly log: Logger;
}

/** Polling one more queue costs a little, so it is done where there is something to come. */
export async function openPrograms({
  settings,
  secrets,
  log,
}: ProgramWorkerParts): Promise<ProgramHost | undefined> {
  const { catalogue, cliProviders: providers, home, worker } = settings;
  if (!Object.values(catalogue.agents).some(({ engine }) => engine)) return undefined;
  return ProgramHost.open({ providers, home, secrets, log, most: worker.cliSessions });
}

/** A drain does not wait longer for a Temporal that does not answer: who was not told finds out by himself, after 10 s. */
const TELL_WITHIN_MS = 3_000;

export interface RetireParts extends Omit<ProgramWorkerParts, 'secrets'> {
  readonly connection: NativeConnection;
}

/** Ends the programs that wait for a message, and tells their sessions, whose next message starts another one at once. */
export async function retirePrograms(programs: ProgramHost, parts: RetireParts): Promise<void> {
  const { settings, connection, log } = parts;
  const client = new Client({ connection, namespace: settings.temporal.namespace });
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
