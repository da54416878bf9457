/** What the `runners` commands do. */
import type { KnownRunner, PerdureClient } from '../../client/index.ts';
import type { RunnerLabels } from '../../contracts/runners.ts';
import type { ConnectOptions } from '../connection-options.ts';
import { CommandFailed, EXIT } from '../exit-codes.ts';
import { printJson } from '../json-output.ts';
import { withClient } from '../one-command.ts';
import { runnerDetails, runnerTable } from './format.ts';
import { howToStart, noSuchRunner } from './no-such-runner.ts';

export interface RunnersOptions extends ConnectOptions {
  readonly json?: true;
}

export interface ListOptions extends RunnersOptions {
  readonly online?: true;
  readonly label?: RunnerLabels;
}

export const list = (options: ListOptions): Promise<void> =>
  withClient(options, async ({ runners }) => {
    const { online, label, json } = options;
    const found = await runners.list({ online, labels: label });
    if (json) return found.forEach(printJson);
    const isFiltered = online !== undefined || label !== undefined;
    const none = isFiltered
      ? 'No runner that may serve you fits. All of them: npx perdure runners list'
      : `No runner has registered. ${howToStart()}`;
    console.log(found.length > 0 ? runnerTable(found) : none);
  });

export const show = (given: string, options: RunnersOptions): Promise<void> =>
  withRunner(given, options, async (_, runner) => {
    if (options.json) return printJson(runner);
    console.log(runnerDetails(runner));
  });

export const share = (given: string, options: RunnersOptions): Promise<void> =>
  changeSharing(given, options, true);

export const unshare = (given: string, options: RunnersOptions): Promise<void> =>
  changeSharing(given, options, false);

const changeSharing = (given: string, options: RunnersOptions, shared: boolean): Promise<void> =>
  withRunner(given, options, async ({ runners }, { runnerId }) => {
    const changed = await runners.share(runnerId, shared);
    if (options.json) return printJson(changed);
    const whom = shared ? 'all users of the tenant' : `${changed.user} only`;
    console.log(`${changed.name} serves ${whom}.`);
  });

export const forget = (given: string, options: RunnersOptions): Promise<void> =>
  withRunner(given, options, async ({ runners }, { runnerId, name, online }) => {
    await runners.remove(runnerId);
    if (options.json) return printJson({ runnerId, removed: true });
    console.log(`${name} is forgotten.`);
    if (online) console.log('It runs, and will come back: stop it, or revoke its key.');
  });

const withRunner = (
  given: string,
  options: ConnectOptions,
  work: (client: PerdureClient, runner: KnownRunner) => Promise<void>,
): Promise<void> =>
  withClient(options, async (client) => work(client, runnerIn(await client.runners.list(), given)));

/** @throws {CommandFailed} where none is meant, or more than one */
function runnerIn(runners: readonly KnownRunner[], given: string): KnownRunner {
  // An id before a name: a name may look like somebody else's id.
  const byId = runners.find(({ runnerId }) => runnerId === given);
  if (byId) return byId;
  const [found, ...others] = runners.filter(({ name }) => name === given);
  if (found === undefined) throw noSuchRunner(given, runners);
  if (others.length === 0) return found;
  const which = [found, ...others].map(({ runnerId, user }) => `  ${runnerId} of ${user}`);
  throw new CommandFailed(
    `Several runners are called ${given}; say which one by its id:\n${which.join('\n')}`,
    EXIT.usage,
  );
}
