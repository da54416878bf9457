import fc from 'fast-check';
import { countTokens } from 'gpt-tokenizer/encoding/o200k_base';
import { describe, expect, it } from 'vitest';
import { RowCounts } from '../../activities/model/context/measure.ts';
import { toModelMessages } from '../../activities/model/context/messages.ts';
import { planContext } from '../../activities/model/context/plan.ts';
import { systemPrompt } from '../../activities/model/context/prompt.ts';
import { cutMiddle } from '../../contracts/cut-middle.ts';
import { Corrections, tokenCounter } from '../../activities/model/context/tokens.ts';
import type { MessageId } from '../../contracts/ids.ts';
import { agentSchema } from '../../contracts/settings.ts';
import { estimateTokens } from '../../contracts/token-estimate.ts';
import type { TranscriptMessage } from '../../contracts/transcript.ts';
import { assistant, conversation, tool, turns, user } from './conversations.ts';

/** A provider that is shown no images. */
const to = (provider: string) => ({ provider, images: new Map<string, never>() });

const textIn = (messages: readonly { content: unknown }[]): string =>
  messages
    .map(({ content }) => (typeof content === 'string' ? content : JSON.stringify(content)))
    .join('\n');

describe('the plan of a context', () => {
  it('never holds more tokens than its budget, whatever the conversation', async () => {
    const counter = await tokenCounter('gpt-5', 1);
    const counts = new RowCounts();
    fc.assert(
      fc.property(
        conversation,
        fc.integer({ min: 50, max: 3_000 }),
        fc.boolean(),
        (talk, budget, mayCompact) => {
          const count = (row: TranscriptMessage) => counts.count('s', row, counter);
          const plan = planContext({ ...talk, budget, count, mayCompact });
          if (plan.kind === 'fits') {
            expect(plan.tokens).toBeLessThanOrEqual(budget);
            expect(plan.tokens).toBe(plan.rows.reduce((sum, row) => sum + count(row), 0));
            const said = plan.rows.flatMap((row) => (row.role === 'user' ? row.content : []));
            expect(
              countTokens(said.map((part) => (part.type === 'text' ? part.text : '')).join('\n')),
            ).toBeLessThanOrEqual(budget);
          }
          if (plan.kind === 'compact') {
            expect(mayCompact).toBe(true);
            expect(plan.older.every((row) => row.turn !== talk.turn)).toBe(true);
          }
          if (plan.kind === 'too-long') {
            const own = talk.rows.filter((row) => row.role === 'user' && row.turn === talk.turn);
            expect(own.reduce((sum, row) => sum + count(row), 0)).toBeGreaterThan(budget);
          }
        },
      ),
      { numRuns: 200 },
    );
  });

  it('always sends the words of the present turn whole', () => {
    fc.assert(
      fc.property(conversation, fc.integer({ min: 50, max: 3_000 }), (talk, budget) => {
        const plan = planContext({
          ...talk,
          budget,
          count: (row) => JSON.stringify(row).length / 4,
          mayCompact: false,
        });
        if (plan.kind !== 'fits') return;
        for (const row of talk.rows)
          if (row.role === 'user' && row.turn === talk.turn) expect(plan.rows).toContain(row);
      }),
    );
  });

  it('keeps calls and results together: a provider refuses one without the other', () => {
    fc.assert(
      fc.property(conversation, fc.integer({ min: 50, max: 1_500 }), (talk, budget) => {
        const plan = planContext({
          ...talk,
          budget,
          count: (row) => JSON.stringify(row).length / 4,
          mayCompact: false,
        });
        if (plan.kind !== 'fits') return;
        const parts = toModelMessages(plan.rows, to('p')).flatMap(({ content }) =>
          typeof content === 'string' ? [] : (content as { type: string; toolCallId?: string }[]),
        );
        const ids = (type: string) =>
          parts.filter((part) => part.type === type).map(({ toolCallId }) => toolCallId);
        expect(ids('tool-result')).toEqual(ids('tool-call'));
      }),
    );
  });
});

describe('messages for a provider', () => {
  const [one, two] = turns as [MessageId, MessageId];

  it('put a late result behind its call', () => {
    const rows = [
      user(one, 1, 'q'),
      assistant([one, 2], '', ['a', 'b']),
      tool([one, 3], 'b', 'B'),
      user(two, 4, 'steer'),
      tool([one, 5], 'a', 'A'),
    ];
    expect(toModelMessages(rows, to('p')).map(({ role }) => role)).toEqual([
      'user',
      'assistant',
      'tool',
      'tool',
      'user',
    ]);
  });

  it('give a call that was never answered a result that says so', () => {
    const text = textIn(
      toModelMessages([user(one, 1, 'q'), assistant([one, 2], '', ['a'])], to('p')),
    );
    expect(text).toContain('interrupted');
  });

  it('use the native form with its own provider only', () => {
    const row: TranscriptMessage = {
      ...(assistant([one, 2], 'plain') as Extract<TranscriptMessage, { role: 'assistant' }>),
      native: {
        provider: 'p',
        messages: [{ role: 'assistant', content: [{ type: 'text', text: 'native' }] }],
      },
    };
    expect(textIn(toModelMessages([row], to('p')))).toContain('native');
    expect(textIn(toModelMessages([row], to('other')))).toContain('plain');
  });

  it('are the same for the same rows, so that the prefix stays in the cache', () => {
    fc.assert(
      fc.property(conversation, ({ rows }) => {
        const all = toModelMessages(rows, to('p'));
        const fewer = toModelMessages(rows.slice(0, -1), to('p'));
        expect(all.slice(0, fewer.length - 1)).toEqual(fewer.slice(0, -1));
      }),
    );
  });
});

describe('token counts', () => {
  it('of an estimate are not less than those of OpenAI in prose, code and JSON, in many scripts', () => {
    for (const text of [
      'The quick brown fox jumps over the lazy dog. '.repeat(50),
      'Привет, как дела? Это обычный русский текст. '.repeat(50),
      '素早い茶色の狐がのろまな犬を飛び越える。'.repeat(50),
      JSON.stringify({ some: ['json', 1, 2, 3, { nested: true }] }).repeat(50),
      'function f(a: number): string { return `${a}`; }\n'.repeat(50),
      'مرحبا كيف حالك اليوم يا صديقي '.repeat(50),
      'नमस्ते आप कैसे हैं '.repeat(50),
      'ሰላም እንዴት ነህ '.repeat(50),
      '😀🎉🙂 '.repeat(50),
    ])
      expect(estimateTokens(text)).toBeGreaterThanOrEqual(countTokens(text));
  });

  it('are corrected upwards at once, and downwards slowly', () => {
    const corrections = new Corrections();
    corrections.learn('m', 1_000, 2_000);
    expect(corrections.of('m')).toBe(2);
    corrections.learn('m', 1_000, 1_000);
    expect(corrections.of('m')).toBeCloseTo(1.9);
    corrections.learn('m', 10, 1_000);
    expect(corrections.of('m')).toBeCloseTo(1.9);
  });
});

describe('the system prompt', () => {
  it('fills its template, and leaves unknown names as they are', () => {
    const agent = agentSchema.parse({
      instructions: '{{agent}} {{ workspace }} {{team}} {{nobody}}',
      variables: { team: 'blue' },
    });
    expect(
      systemPrompt(agent, { agent: 'a', workspace: null, model: 'm', date: '2026-01-01' }),
    ).toBe('a none blue {{nobody}}');
  });
});

describe('cutting', () => {
  it('never makes a text longer than asked, but for its note', () => {
    fc.assert(
      fc.property(
        fc.string({ maxLength: 500 }),
        fc.integer({ min: 60, max: 600 }),
        (text, limit) => {
          expect(cutMiddle(text, limit).length).toBeLessThanOrEqual(Math.max(limit, 60));
        },
      ),
    );
  });
});
