import { expect, test } from 'vitest';
import { banner } from '../../cli/up/banner.ts';
import { load } from '../config/support.ts';

test('asks for a key where the demo is all there is', async () => {
  expect(banner(await load())).toContain(
    'Set OPENROUTER_API_KEY, OPENAI_API_KEY or ANTHROPIC_API_KEY for a real model.',
  );
});

test('names the real models where the demo was chosen beside them, and asks for no key', async () => {
  const env = { OPENAI_API_KEY: 'sk-x', PERDURE_DEFAULT_MODEL: 'demo' };
  const text = banner(await load({ env }));
  expect(text).toContain('A real model is there, too: openai. Name it as defaultModel, or with:');
  expect(text).not.toContain('_API_KEY');
});

test('says nothing of it with a real model', async () => {
  const text = banner(await load({ env: { OPENAI_API_KEY: 'sk-x' } }));
  expect(text).toContain('openai: gpt');
  expect(text).not.toContain('for a real model');
  expect(text).not.toContain('A real model is there');
});
