/** The programs of this worker process, where some agent has one as its engine. */
import { ProgramHost } from '../activities/programs.ts';
import type { SecretLookup } from '../config/secrets.ts';
import type { Settings } from '../config/settings.ts';
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
