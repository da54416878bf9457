/** What a person is told while calls wait for a runner that has not taken them. Pure. */
import type { ConversationView, KnownRunner, ToolCallView } from '../../client/index.ts';
import { labelTexts } from '../../contracts/runner-labels.ts';
import { isSelected } from '../../contracts/runner-selection.ts';
import type { RunnerSelector } from '../../contracts/runners.ts';
import { oneLine } from '../format.ts';
import { selectorText } from './runner-option.ts';

const isUnclaimed = ({ mode, state, approval }: ToolCallView): boolean =>
  mode === 'remote' &&
  state === 'requested' &&
  (approval === null || approval.settlement?.outcome === 'approved');

/** Calls of the open turn that any runner of the session may take now. */
export const unclaimedIn = ({ turns }: ConversationView): readonly ToolCallView[] => {
  const turn = turns.at(-1);
  return turn?.outcome === null ? (turn.steps.at(-1)?.calls ?? []).filter(isUnclaimed) : [];
};

export interface Waiting {
  readonly selector: RunnerSelector;
  readonly runners: readonly KnownRunner[];
  /** A runner that is there takes a call within moments. */
  readonly late: boolean;
}

export interface Told {
  readonly what: 'away' | 'late';
  readonly text: string;
}

/** @returns undefined where nothing is worth a word yet */
export function waitingFor({ selector, runners, late }: Waiting): Told | undefined {
  const known = runners.filter((runner) => runner.servesYou && isSelected(runner, selector));
  const there = known.filter(({ online }) => online);
  if (there.length === 0) return { what: 'away', text: `(${away(selector, known)})` };
  if (!late) return undefined;
  const asks = 'has not taken the call yet: it may ask in its own terminal, or be gone';
  return { what: 'late', text: `(the runner ${namesOf(there)} ${asks})` };
}

function away(selector: RunnerSelector, known: readonly KnownRunner[]): string {
  const [one, ...more] = known;
  if (!one) {
    const wanted = selector.name ? `the runner ${selector.name}` : 'a runner that is';
    const labels = selector.labels ? ` ${selectorText(selector)}` : '';
    return `waiting for ${wanted}${labels}, and there is none any more. Start one with: ${commandFor(selector)}`;
  }
  const are = more.length === 0 ? 'which is away. Start it' : 'which are away. Start one';
  return `waiting for the runner ${namesOf(known)}, ${are} on its machine with: ${commandFor(one)}`;
}

const namesOf = (runners: readonly KnownRunner[]): string =>
  runners.map(({ name }) => name).join(' or ');

/** A folder goes into a command only where no shell reads more into it: another person's runner may have named it. */
const PLAIN_PATH = /^\/[\w./-]*$/;

type Startable = RunnerSelector & Partial<Pick<KnownRunner, 'workdir'>>;

function commandFor({ name = 'NAME', labels = {}, workdir = '' }: Startable): string {
  const folder = PLAIN_PATH.test(workdir) ? workdir : 'FOLDER';
  const labelled = labelTexts(labels).map((label) => ` --label ${label}`);
  return `npx perdure runner --name ${name} --workdir ${folder}${labelled.join('')}`;
}

/** @param runner as `tool.started` names it */
export function takenBy(
  tool: string,
  runner: string | undefined,
  runners: readonly KnownRunner[],
): string {
  const name = runners.find(({ runnerId }) => runnerId === runner)?.name;
  return `(${name ?? 'a runner'} has taken the call and runs ${oneLine(tool)})`;
}
