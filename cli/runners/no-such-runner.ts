/** What a person is told who names a runner that is not there. Light: also for the chat. */
import type { KnownRunner } from '../../client/index.ts';
import { RUNNER_NAME } from '../../contracts/runner-name.ts';
import { CommandFailed, EXIT } from '../exit-codes.ts';
import { oneLine } from '../format.ts';

/** @param name of the one to start */
export const howToStart = (name = 'NAME'): string =>
  `Start one with: npx perdure runner --name ${name} --workdir FOLDER`;

/** @param wanted its name, or its labels as they were given */
export function noSuchRunner(
  wanted: string,
  runners: readonly Pick<KnownRunner, 'name'>[],
): CommandFailed {
  const names = runners.map(({ name }) => name).join(', ');
  const known = runners.length === 0 ? 'none has registered' : `there is ${names}`;
  return new CommandFailed(
    `No runner of yours is "${oneLine(wanted)}": ${known}.\n${howToStart(RUNNER_NAME.test(wanted) ? wanted : undefined)}`,
    EXIT.notFound,
  );
}
