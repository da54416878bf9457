import { describe, expect, test } from 'vitest';
import { RowCounts } from '../../activities/model/context/measure.ts';
import { newId } from '../../contracts/ids.ts';
import type { MessageId } from '../../contracts/ids.ts';
import { cutOut, heapGrowth } from '../support/heap.ts';
import { user } from './conversations.ts';

const ROWS = 1_000;
/** Two ids, a few words and their place in a table, with room to spare: a tenth of the text that they were cut from. */
const BYTES_EACH = 500;

describe('the tokens of transcript rows', () => {
  test('are counted once, and remembered without the rows', () => {
    const counts = new RowCounts();
    let counted = 0;
    const counter = { count: () => (counted += 1), exact: true };
    const row = (id: MessageId) => user(id, 1, 'hello');
    const bytes = heapGrowth(() => {
      for (let each = 0; each < ROWS; each += 1)
        counts.count(`${cutOut(newId('ses'))}/plain`, row(cutOut(newId('msg'))), counter);
    });
    expect(bytes / ROWS).toBeLessThan(BYTES_EACH);
    const [scope, same] = [newId('ses'), row(newId('msg'))];
    expect(counts.count(scope, same, counter)).toBe(counts.count(scope, same, counter));
    expect(counted).toBe(ROWS + 1);
  });
});
