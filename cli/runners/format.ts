/** Runners as text for a terminal. What they say of themselves comes from other machines. */
import type { KnownRunner } from '../../client/index.ts';
import { oneLine, textTable } from '../format.ts';
import { labelsText } from '../labels.ts';
import { toSecond } from '../times.ts';

const stateOf = ({ online }: KnownRunner): string => (online ? 'online' : 'away');

export const runnerTable = (runners: readonly KnownRunner[]): string =>
  textTable(
    ['RUNNER', 'STATE', 'USER', 'LABELS', 'SEEN (UTC)', 'FOLDER'],
    runners.map((runner) => [
      runner.name,
      stateOf(runner),
      oneLine(`${runner.user}${runner.shared ? ' (shared)' : ''}`, 40),
      oneLine(labelsText(runner.labels), 40),
      toSecond(runner.lastSeenAt),
      oneLine(runner.workdir, 60),
    ]),
  );

/** A folder's path may have so many characters. */
const MOST = 4_096;

export function runnerDetails(runner: KnownRunner): string {
  const fields: readonly (readonly [string, string])[] = [
    ['runner', runner.name],
    ['id', runner.runnerId],
    ['state', `${stateOf(runner)}, seen ${runner.lastSeenAt}`],
    ['serves', runner.shared ? 'all users of the tenant' : `${runner.user} only`],
    ['user', runner.user],
    ['labels', labelsText(runner.labels) || 'none'],
    ['folder', runner.workdir],
    ['version', runner.version],
    ['registered', runner.registeredAt],
    ['tools', runner.tools.map(({ name, effect }) => `${name} (${effect})`).join(', ') || 'none'],
  ];
  return fields.map(([name, value]) => `${name.padEnd(12)}${oneLine(value, MOST)}`).join('\n');
}
