/** Transcripts for tests of the context. */
import fc from 'fast-check';
import { newId } from '../../contracts/ids.ts';
import type { MessageId } from '../../contracts/ids.ts';
import type { TranscriptMessage } from '../../contracts/transcript.ts';

const at = '2026-01-01T00:00:00.000Z';
export const turns: MessageId[] = Array.from({ length: 30 }, () => newId('msg'));

export const user = (turn: MessageId, position: number, text: string): TranscriptMessage => ({
  role: 'user',
  id: turn,
  turn,
  step: 1,
  position,
  at,
  content: [{ type: 'text', text }],
});
type Place = readonly [turn: MessageId, position: number];

export const assistant = (
  [turn, position]: Place,
  text: string,
  calls: string[] = [],
): TranscriptMessage => ({
  role: 'assistant',
  id: `${turn}/${position}`,
  turn,
  step: 1,
  position,
  at,
  partial: false,
  content: [
    { type: 'text', text },
    ...calls.map((id) => ({
      type: 'tool-call' as const,
      callId: `call_${id}` as const,
      name: 'read_file',
      arguments: { path: 'x' },
    })),
  ],
});
export const tool = ([turn, position]: Place, id: string, result: string): TranscriptMessage => ({
  role: 'tool',
  id: `call_${id}`,
  callId: `call_${id}`,
  turn,
  step: 1,
  position,
  at,
  name: 'read_file',
  settlement: { outcome: 'completed', result },
});

/** Texts in many scripts, short and long. */
export const words = fc.oneof(
  fc.string({ maxLength: 600 }),
  fc.string({ unit: 'grapheme', maxLength: 300 }),
  fc.integer({ min: 0, max: 4_000 }).map((n) => 'lorem ipsum '.repeat(n / 12)),
);
/** A conversation of any shape: each turn a question, perhaps calls with results, an answer. */
export const conversation = fc
  .array(fc.record({ question: words, result: fc.option(words), answer: words }), {
    minLength: 1,
    maxLength: 12,
  })
  .map((parts) => {
    const rows: TranscriptMessage[] = [];
    for (const [n, { question, result, answer }] of parts.entries()) {
      const turn = turns[n] as MessageId;
      rows.push(user(turn, rows.length, question));
      if (result !== null) {
        rows.push(assistant([turn, rows.length], '', [`${n}`]));
        rows.push(tool([turn, rows.length], `${n}`, result));
      }
      if (n < parts.length - 1) rows.push(assistant([turn, rows.length], answer));
    }
    return { rows, turn: turns[parts.length - 1] as MessageId };
  });
