import { expect, test } from 'vitest';
import { questionText } from '../../../cli/chat/questions.ts';
import type { Question } from '../../../cli/chat/questions.ts';

const question = (input: unknown, preview: string | null = null) =>
  ({
    ...{ name: 'look_up', arguments: input, artifact: null },
    approval: { preview, rule: 'the rule', reason: null, settlement: null },
  }) as unknown as Question;

test('a person who is asked about a call sees all of its arguments, not the beginning of a line', () => {
  expect(questionText(question({ q: 'x' }))).toContain('⚙ look_up {"q":"x"}');
  const long = questionText(question({ first: 'x'.repeat(200), last: 'rm -rf /' }));
  expect(long).toContain('  "last": "rm -rf /"');
  const huge = questionText(question({ first: 'x'.repeat(90_000), last: 'rm -rf /' }));
  expect(huge).toContain('"last": "rm -rf /"');
  expect(huge).toMatch(/\[… \d+ characters left out …\]/);
  expect(huge.length).toBeLessThan(5_000);
});

test('a call that stands right above its question is not shown again; what its line left out is', () => {
  const above = (line: string) => line.startsWith('  ⚙ look_up {');
  expect(questionText(question({ q: 'x' }), above)).not.toContain('⚙');
  const long = questionText(question({ first: 'x'.repeat(200), last: 'rm -rf /' }), above);
  expect(long).not.toContain('⚙');
  expect(long).toContain('  "last": "rm -rf /"');
  expect(questionText(question({ q: 'x' }), () => false)).toContain('  ⚙ look_up {"q":"x"}\n');
});

test('what is asked about cannot be shown in another order than it has', () => {
  const trick = 'delete \u202e\u2066all\u2069\u202c';
  expect(questionText(question({}, trick))).toContain('delete all\n');
});
