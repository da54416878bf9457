import type { PerdureEvent } from '../../../contracts/events.ts';

/** What a person sees: the text of each attempt, deltas replaced by the completed content, void ones gone. */
export function shownText(events: readonly PerdureEvent[]): Record<string, string> {
  const shown: Record<string, string> = {};
  for (const event of events) {
    const place = `${event.turn}/${event.step}`;
    if (event.type === 'attempt.superseded') {
      for (const kind of ['text', 'reasoning'])
        delete shown[`${place}/${event.data.attempt}/${kind}`];
    }
    if (event.type !== 'content.delta' && event.type !== 'content.completed') continue;
    const key = `${place}/${event.attempt}/${event.data.kind}`;
    if (event.type === 'content.delta') shown[key] = (shown[key] ?? '') + event.data.text;
    else shown[key] = event.data.text ?? '';
  }
  return shown;
}
