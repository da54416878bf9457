/** What the scripted model says, how often it was asked, and whether a client has read just that. */
import { expect } from 'vitest';
import type { MessageId } from '../../contracts/ids.ts';
import type { Cluster } from '../support/cluster.ts';
import type { SeenRequest } from '../support/model-server.ts';
import type { Watcher } from '../support/watcher.ts';
import { textOf } from '../support/watcher.ts';

/** The whole answer to `#LABEL tokens=N`. */
export const numbered = (label: string, count: number): string =>
  Array.from({ length: count }, (_, index) => `${label}-${index + 1} `).join('');

/** The turn completed, and what was read is what the model said: nothing lost, nothing twice. */
export async function expectExact(client: Watcher, turn: MessageId, text: string): Promise<void> {
  const view = await client.settled(turn);
  expect(view.outcome).toBe('completed');
  expect(textOf(view)).toBe(text);
}

/** The requests with which the model was asked for a message that begins with `#LABEL `. */
export const requestsFor = ({ model }: Cluster, label: string): SeenRequest[] =>
  model.requests.filter(({ user }) => user.startsWith(`#${label} `));
