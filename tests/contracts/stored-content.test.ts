import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ArtifactRef } from '../../contracts/content.ts';
import type { NewEvent } from '../../contracts/events.ts';
import { newId } from '../../contracts/ids.ts';
import { missingContent, withContent } from '../../contracts/projections/stored-content.ts';
import { foldEvents, textOfTurn } from '../../contracts/projections/turns.ts';
import { numbered } from './event-logs.ts';

const place = { turn: newId('msg'), step: 1, attempt: 1 } as const;
type Kind = 'text' | 'reasoning';

function stored(text: string): ArtifactRef {
  const bytes = Buffer.from(text);
  const hash = createHash('sha256').update(bytes).digest('hex');
  return { artifact: `sha256_${hash}`, mediaType: 'text/plain', bytes: bytes.byteLength };
}
const delta = (text: string, kind: Kind = 'text'): NewEvent => ({
  type: 'content.delta',
  data: { kind, text },
});
const completed = (text: string, kind: Kind = 'text'): NewEvent => ({
  type: 'content.completed',
  data: { kind, artifact: stored(text) },
});
const folded = (...events: NewEvent[]) =>
  foldEvents(numbered(events.map((event) => ({ ...event, ...place }))));
const blocksOf = (view: ReturnType<typeof folded>) =>
  view.turns[0]!.steps[0]!.blocks.map(({ kind, text, complete }) => ({ kind, text, complete }));

/** What a model may say: letters of one to four bytes, never half of one. */
const pieces = fc.array(fc.string({ unit: 'grapheme', minLength: 1 }), {
  minLength: 1,
  maxLength: 8,
});

describe('content whose whole is in an artifact', () => {
  test('stays as it streamed for whoever saw all of it', () => {
    fc.assert(
      fc.property(pieces, (texts) => {
        const whole = texts.join('');
        const view = folded(...texts.map((text) => delta(text)), completed(whole));
        expect(blocksOf(view)).toEqual([{ kind: 'text', text: whole, complete: true }]);
        expect(missingContent(view)).toEqual([]);
      }),
    );
  });

  test('is missing for whoever did not, until its text is put in', () => {
    fc.assert(
      fc.property(pieces, fc.nat(), (texts, at) => {
        const whole = texts.join('');
        const seen = texts.toSpliced(at % texts.length, 1);
        const view = folded(...seen.map((text) => delta(text)), completed(whole));
        expect(textOfTurn(view.turns[0]!)).toBe('');
        const { artifact } = stored(whole);
        expect(missingContent(view)).toEqual([artifact]);
        const filled = withContent(view, new Map([[artifact, whole]]));
        expect(textOfTurn(filled.turns[0]!)).toBe(whole);
        expect(missingContent(filled)).toEqual([]);
      }),
    );
  });

  test('is told apart by kind: the answer may be there while the reasoning before it is missing', () => {
    const view = folded(
      delta('thought', 'reasoning'),
      delta('answer'),
      completed('a thought', 'reasoning'),
      completed('answer'),
    );
    expect(blocksOf(view)).toEqual([
      { kind: 'reasoning', text: '', complete: true },
      { kind: 'text', text: 'answer', complete: true },
    ]);
    const filled = withContent(view, new Map([[stored('a thought').artifact, 'a thought']]));
    expect(blocksOf(filled)[0]?.text).toBe('a thought');
    expect(filled.turns[0]!.steps[0]!.blocks[1]).toBe(view.turns[0]!.steps[0]!.blocks[1]);
  });

  test('of one kind that streamed in between the other is one text', () => {
    const view = folded(
      delta('he'),
      delta('hm', 'reasoning'),
      delta('llo'),
      completed('hm', 'reasoning'),
      completed('hello'),
    );
    expect(blocksOf(view).map(({ text }) => text)).toEqual(['hm', 'hello']);
  });

  test('that nobody brings stays with its artifact', () => {
    const view = folded(completed('gone'));
    expect(withContent(view, new Map())).toBe(view);
    expect(withContent(view, new Map([['other', 'x']]))).toEqual(view);
  });
});
