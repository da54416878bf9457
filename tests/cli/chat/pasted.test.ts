import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createPasteReader, withBreaks } from '../../../cli/chat/pasted.ts';

const pasted = (text: string) => `\u001b[200~${text}\u001b[201~`;
const readAll = (chunks: readonly string[]) => chunks.map(createPasteReader()).join('');

test('line breaks of a pasted text do not send it, and come back in the message', () => {
  const line = createPasteReader()(`say ${pasted('one\r\n\ttwo\n\nthree\r')} end\r`);
  expect(line).toBe('say one⏎\ttwo⏎⏎three end\r');
  expect(withBreaks(line)).toBe('say one\n\ttwo\n\nthree end\r');
});

test('what is typed stays as it is, also keys that begin like a paste', () => {
  for (const keys of ['hello\r', '\u001b', '\u001b[A', '\u001b[3~', '\u001b[2~x', 'a\nb'])
    expect(createPasteReader()(keys)).toBe(keys);
});

test('it does not matter where the keys are cut', () => {
  const keys = `a${pasted('one\ntwo')}b${pasted('three\n')}\rc\u001b[3~`;
  const whole = createPasteReader()(keys);
  fc.assert(
    fc.property(fc.array(fc.nat(keys.length)), (places) => {
      // Not behind an escape character or its bracket: such keys are taken as they come.
      const cuts = [...new Set([0, ...places, keys.length])]
        .filter((at) => !['\u001b', '\u001b['].some((half) => keys.slice(0, at).endsWith(half)))
        .sort((a, b) => a - b);
      const chunks = cuts.slice(1).map((to, index) => keys.slice(cuts[index], to));
      expect(readAll(chunks)).toBe(whole);
    }),
  );
});
