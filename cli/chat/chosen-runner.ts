/** The runner that a chat was told to use: whether it is there, before the first word is said. */
import type { KnownRunner, PerdureClient } from '../../client/index.ts';
import { isSelected } from '../../contracts/runner-selection.ts';
import type { RunnerSelector } from '../../contracts/runners.ts';
import { CommandFailed, EXIT } from '../exit-codes.ts';
import { oneLine } from '../format.ts';
import { noSuchRunner } from '../runners/no-such-runner.ts';
import { selectorText } from './runner-option.ts';

/**
 * @param sessionId of the session that is gone on with, which has its runner since its start
 * @returns a line for the person
 * @throws {CommandFailed} where nothing would run on it
 */
export async function chosenRunner(
  { runners }: PerdureClient,
  selector: RunnerSelector,
  sessionId: string | undefined,
): Promise<string> {
  const wanted = selectorText(selector);
  if (sessionId !== undefined)
    throw new CommandFailed(
      `A session keeps the runner that it began with, and ${sessionId} has begun: leave --runner out, or begin another session on ${wanted}.`,
      EXIT.usage,
    );
  const all = await runners.list();
  const known = all.filter(({ servesYou }) => servesYou);
  const fitting = known.filter((runner) => isSelected(runner, selector));
  if (fitting.length > 0) return runnerLine(fitting);
  const another = all.find((runner) => isSelected(runner, selector));
  if (!another) throw noSuchRunner(wanted, known);
  throw new CommandFailed(
    `The runner ${another.name} serves user ${another.user}, and you are somebody else here: talk with a key of that user (PERDURE_KEY), or start the runner with one of yours.`,
    EXIT.notFound,
  );
}

function runnerLine(fitting: readonly KnownRunner[]): string {
  const present = fitting.filter(({ online }) => online);
  const names = (present.length > 0 ? present : fitting).map(
    ({ name, workdir }) => `${name} (${oneLine(workdir)})`,
  );
  const which = `runner: ${names.join(' or ')}`;
  return present.length > 0 ? which : `${which} is away; calls wait until it is back`;
}
