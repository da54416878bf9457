/** What every fault test asks for: settings that notice a dead worker soon, and words for what must be true afterwards. */
import { expect, vi } from 'vitest';
import type { MessageId } from '../../contracts/ids.ts';
import type { Cluster, ClusterOptions } from '../support/cluster.ts';
import { startCluster } from '../support/cluster.ts';
import type { Watcher } from '../support/watcher.ts';
import { textOf } from '../support/watcher.ts';

/** Several processes start, die and start again in each of these, on machines that do other things too. */
vi.setConfig({ testTimeout: 240_000 });

/** A dead worker counts as dead after 3 s here instead of 12, so that a test takes seconds. */
const HEARTBEAT_MS = 3_000;
const QUICK = {
  timeouts: { heartbeatMs: HEARTBEAT_MS, heartbeatThrottleMs: 500 },
  worker: { drainMs: 1_000 },
};

export const startFaultCluster = (options: ClusterOptions = {}): Promise<Cluster> =>
  startCluster({ ...options, settings: { ...QUICK, ...options.settings } });

/** The whole answer to `tokens=N #LABEL`. */
export const numbered = (label: string, count: number): string =>
  Array.from({ length: count }, (_, index) => `${label}-${index + 1} `).join('');

/** Resolves when the person has read at least this many tokens of the turn. */
export const streaming = (watcher: Watcher, turn: MessageId, tokens = 5): Promise<void> =>
  watcher.until(`${tokens} tokens of ${turn}`, () => watcher.text(turn).split(' ').length > tokens);

/** The turn completed, and what was read is what the model said: nothing lost, nothing twice. */
export async function expectExact(watcher: Watcher, turn: MessageId, text: string): Promise<void> {
  const view = await watcher.settled(turn);
  expect(view.outcome).toBe('completed');
  expect(textOf(view)).toBe(text);
}

/** How many times the model was asked for this message. */
export const requestsFor = (cluster: Cluster, label: string): number =>
  cluster.model.requests.filter((request) => request.user.includes(`#${label}`)).length;

interface TranscriptRow {
  readonly role: string;
  readonly content?: readonly { readonly type: string; readonly text?: string }[];
}

/** What the assistant said, by the journal's own transcript. */
export async function saidByTranscript(cluster: Cluster, watcher: Watcher): Promise<string[]> {
  const response = await fetch(`${cluster.urls[0]}/api/sessions/${watcher.sessionId}/transcript`);
  const body = (await response.json()) as { messages: TranscriptRow[] };
  return body.messages
    .filter((row) => row.role === 'assistant')
    .map((row) => (row.content ?? []).map((part) => part.text ?? '').join(''));
}
