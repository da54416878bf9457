/** What every fault test asks for: settings that notice a dead worker soon, and words for what must be true afterwards. */
import { expect, vi } from 'vitest';
import type { PerdureEvent } from '../../contracts/events.ts';
import type { MessageId } from '../../contracts/ids.ts';
import { foldEvents } from '../../contracts/projections/turns.ts';
import type { Cluster, ClusterOptions } from '../support/cluster.ts';
import { DEAD_SOON, startCluster } from '../support/cluster.ts';
import type { Watcher } from '../support/watcher.ts';
import { textOf } from '../support/watcher.ts';

/** Several processes start, die and start again in each of these, on machines that do other things too. */
vi.setConfig({ testTimeout: 240_000 });

const QUICK = { timeouts: DEAD_SOON, worker: { drainMs: 1_000 } };

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

/**
 * Whatever happened: the client was sent the journal's whole log, which has no gap and settles every turn once; its fold, its transcript and the
 * model agree about what was said, turn by turn.
 */
export async function expectJournal(
  cluster: Cluster,
  watcher: Watcher,
  answers: readonly string[],
): Promise<void> {
  const log = await wholeLog(cluster, watcher);
  expect(log.map(({ seq }) => seq)).toEqual(log.map((_, index) => index + 1));
  await watcher.until(`event ${log.length}`, (events) => events.length >= log.length);
  expect(watcher.events.slice(0, log.length)).toEqual(log);
  expect(turnsOf(log, 'turn.settled')).toEqual(turnsOf(log, 'turn.started'));
  expect(foldEvents(log).turns.map(textOf)).toEqual(answers);
  expect(await saidByTranscript(cluster, watcher)).toEqual(answers);
  const said = cluster.model.requests.map(({ text }) => text);
  expect(said).toEqual(expect.arrayContaining([...answers]));
}

const turnsOf = (log: readonly PerdureEvent[], type: PerdureEvent['type']) =>
  log.filter((event) => event.type === type).map(({ turn }) => turn);

async function wholeLog(cluster: Cluster, watcher: Watcher): Promise<PerdureEvent[]> {
  const log: PerdureEvent[] = [];
  for (;;) {
    const after = log.at(-1)?.seq ?? 0;
    const path = `/api/sessions/${watcher.sessionId}/events?after=${after}&limit=500`;
    const page = await (await fetch(`${cluster.urls[0]}${path}`)).json();
    const { events } = page as { events: PerdureEvent[] };
    if (events.length === 0) return log;
    log.push(...events);
  }
}

/** What the assistant said, by the journal's own transcript. */
export async function saidByTranscript(cluster: Cluster, watcher: Watcher): Promise<string[]> {
  const response = await fetch(`${cluster.urls[0]}/api/sessions/${watcher.sessionId}/transcript`);
  const body = (await response.json()) as { messages: TranscriptRow[] };
  return body.messages
    .filter((row) => row.role === 'assistant')
    .map((row) => (row.content ?? []).map((part) => part.text ?? '').join(''));
}
