// What tests of the client against real processes share.
import type { PerdureEvent } from '../../contracts/events.ts';

/** What the model server says to `#label tokens=count`. */
export const words = (label: string, count: number) =>
  Array.from({ length: count }, (_, index) => `${label}-${index + 1} `).join('');

/** The first event that fits. */
export async function until<T extends PerdureEvent>(
  events: AsyncIterable<PerdureEvent>,
  holds: (event: PerdureEvent) => boolean,
): Promise<T> {
  for await (const event of events) if (holds(event)) return event as T;
  throw new Error('the events ended before it came');
}
