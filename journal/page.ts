/** Pages of rows, most of them numbered by an integer key, newest first. The cursor is the last key seen. */
import { PerdureError } from '../contracts/perdure-error.ts';
import type { Page, PageRequest } from './port.ts';

/** @throws invalid_input */
export function keyBefore({ cursor }: PageRequest): number {
  if (cursor === undefined) return Number.MAX_SAFE_INTEGER;
  if (/^[1-9]\d{0,15}$/.test(cursor)) return Number(cursor);
  throw new PerdureError('invalid_input', 'The cursor is not one that this API gave out.', {
    field: 'cursor',
  });
}

/** @param rows one more than the page holds, where there are more */
export function pageOf<R, T>(
  rows: readonly R[],
  limit: number,
  view: { key(row: R): number | string; item(row: R): T },
): Page<T> {
  const shown = rows.slice(0, limit);
  return {
    items: shown.map((row) => view.item(row)),
    nextCursor: rows.length > limit ? String(view.key(shown.at(-1)!)) : null,
  };
}
