import { expect, test } from 'vitest';
import { modelLine } from '../../../cli/chat/catalogue.ts';
import type { Catalogue } from '../../../cli/chat/catalogue.ts';

const catalogue = (...names: string[]): Catalogue => ({
  agents: [],
  models: names.map((name) => ({
    ...{ name, default: name === 'demo', provider: name, kind: name, contextTokens: 1 },
    scripted: name === 'demo',
  })),
});

test('the demo says that it is a script, and asks for a key where there is no other model', () => {
  const line = modelLine(catalogue('demo'), 'demo');
  expect(line).toContain('a script, not an AI');
  expect(line).toContain('set OPENROUTER_API_KEY, OPENAI_API_KEY or ANTHROPIC_API_KEY and start');
});

test('where the demo was chosen although there are real models, it says how to take one of those', () => {
  const line = modelLine(catalogue('openrouter', 'demo', 'local'), 'demo');
  expect(line).toContain(
    'For a real model: npx perdure chat --model openrouter (or local), or /model openrouter in a session that has begun.',
  );
  expect(line).not.toContain('API_KEY');
});

test('a real model needs no hint', () => {
  expect(modelLine(catalogue('openrouter', 'demo'), 'openrouter')).toBe('model: openrouter');
});
