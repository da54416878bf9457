import { PerdureError } from '../../contracts/perdure-error.ts';

/** From a header or a query. @throws invalid_input */
export function parseCursor(text: string | number): number {
  const number = typeof text === 'number' ? text : /^\d{1,15}$/.test(text) ? Number(text) : -1;
  if (Number.isSafeInteger(number) && number >= 0) return number;
  throw wrong(
    `expected the number of the last event seen, got ${JSON.stringify(text).slice(0, 40)}`,
  );
}

/** Such a number came from another journal: waiting for it would silently miss everything before. @throws invalid_input */
export function refuseBeyondHead(cursor: number, head: number): void {
  if (cursor > head)
    throw wrong(
      `${cursor} lies beyond the last event, ${head}; read the transcript and go on from there`,
    );
}

const wrong = (text: string): PerdureError =>
  new PerdureError('invalid_input', `"after" (Last-Event-ID): ${text}.`, { field: 'after' });
