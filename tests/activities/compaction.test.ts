import fc from 'fast-check';
import { countTokens } from 'gpt-tokenizer/encoding/o200k_base';
import { describe, expect, it } from 'vitest';
import { scriptedModel } from '../../testing/scripted-model.ts';
import type { ScriptedRequest } from '../../testing/scripted-model.ts';
import { words } from './conversations.ts';
import { nextStep, openStage } from './stage.ts';

type SentPart = string | Exclude<ScriptedRequest['prompt'][number]['content'], string>[number];

const tokensSent = (request: ScriptedRequest): number =>
  countTokens(
    request.prompt
      .flatMap(({ content }): SentPart[] =>
        typeof content === 'string' ? [content] : [...content],
      )
      .map((part) =>
        typeof part === 'string'
          ? part
          : part.type === 'text'
            ? part.text
            : part.type === 'tool-result'
              ? String((part.output as { value?: unknown }).value)
              : JSON.stringify(part),
      )
      .join('\n'),
  );

const WINDOW = 2_000;
const window = { settings: { contextTokens: WINDOW, maxOutputTokens: 200, model: 'gpt-5' } };

describe('a session whose window fills', () => {
  it('is compacted by the model, goes on, and no request ever exceeds the window', async () => {
    const model = scriptedModel([], window);
    const seen: ScriptedRequest[] = [];
    const answer = (request: ScriptedRequest) => {
      seen.push(request);
      const text = JSON.stringify(request.prompt);
      return text.includes('You compress conversations')
        ? { text: 'SUMMARY: the person counts sheep.' }
        : { text: 'sheep '.repeat(100) };
    };
    model.add(...Array.from({ length: 60 }, () => answer));
    await using stage = await openStage({ resolver: model.resolver });
    for (let n = 0; n < 25; n++)
      expect(
        (await stage.callModel(stage.message(`question ${n} ${'baa '.repeat(30)}`))).outcome,
      ).toBe('completed');
    for (const request of seen)
      expect(tokensSent(request) + (request.maxOutputTokens ?? 0)).toBeLessThanOrEqual(WINDOW);
    const compacted = await stage.eventsOf('context.compacted');
    expect(compacted.length).toBeGreaterThan(0);
    expect(compacted[0]?.data.afterTokens).toBeLessThan(compacted[0]?.data.beforeTokens ?? 0);
    expect(JSON.stringify(seen.at(-1)?.prompt)).toContain('the person counts sheep');
    expect(JSON.stringify(seen.at(-1)?.prompt)).not.toContain('question 0 ');
    const charged = await stage.journal.sessions.get(stage.sessionId);
    const all = seen.length;
    expect(charged?.turns).toBe(25);
    expect(all).toBe(25 + compacted.length);
  });

  it('holds for any conversation, in any script', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(words, { minLength: 2, maxLength: 6 }), async (messages) => {
        const model = scriptedModel([], window);
        const seen: ScriptedRequest[] = [];
        model.add(
          ...Array.from({ length: 40 }, () => (request: ScriptedRequest) => {
            seen.push(request);
            return { text: messages[seen.length % messages.length] || 'ok' };
          }),
        );
        await using stage = await openStage({ resolver: model.resolver });
        for (const text of messages) {
          const result = await stage.callModel(stage.message(text || '?'));
          if (result.outcome === 'failed') expect(result.error.code).toBe('context_too_long');
        }
        for (const request of seen)
          expect(tokensSent(request) + (request.maxOutputTokens ?? 0)).toBeLessThanOrEqual(WINDOW);
      }),
      { numRuns: 5 },
    );
  });

  it('cuts a tool result that is too long, rather than fail', async () => {
    const model = scriptedModel(
      [{ calls: [{ name: 'read_file', input: { path: 'big.txt' } }] }, { text: 'A long file.' }],
      window,
    );
    await using stage = await openStage({
      resolver: model.resolver,
      files: { 'big.txt': 'many words '.repeat(2_500) },
    });
    const first = stage.message('read it');
    const asked = await stage.callModel(first);
    if (asked.outcome !== 'tool_calls') throw new Error(asked.outcome);
    for (const call of asked.calls) await stage.executeTool(first, call);
    expect((await stage.callModel(nextStep(first))).outcome).toBe('completed');
    expect(JSON.stringify(model.requests[1]?.prompt)).toContain('characters left out');
  });

  it('fails the turn whose one message is longer than the window, without asking the model', async () => {
    const model = scriptedModel([], window);
    await using stage = await openStage({ resolver: model.resolver });
    expect(await stage.callModel(stage.message('too much '.repeat(2_500)))).toMatchObject({
      outcome: 'failed',
      error: { code: 'context_too_long', retryable: false },
    });
    expect(model.requests).toHaveLength(0);
  });

  it('summarizes without the model where it says nothing', async () => {
    const model = scriptedModel([], window);
    model.add(
      ...Array.from(
        { length: 40 },
        () => (request: ScriptedRequest) =>
          JSON.stringify(request.prompt).includes('You compress conversations')
            ? { text: '' }
            : { text: 'sheep '.repeat(100) },
      ),
    );
    await using stage = await openStage({ resolver: model.resolver });
    for (let n = 0; n < 15; n++)
      expect(
        (await stage.callModel(stage.message(`question ${n} ${'baa '.repeat(30)}`))).outcome,
      ).toBe('completed');
    expect(JSON.stringify(model.requests.at(-1)?.prompt)).toContain(
      'The beginning of the conversation was left out',
    );
  });
});
