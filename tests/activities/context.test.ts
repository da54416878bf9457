import fc from 'fast-check';
import { countTokens } from 'gpt-tokenizer/encoding/o200k_base';
import { describe, expect, it } from 'vitest';
import { planContext } from '../../activities/model/context/plan.ts';
import { RowCounts } from '../../activities/model/context/measure.ts';
import { toModelMessages } from '../../activities/model/context/messages.ts';
import { systemPrompt } from '../../activities/model/context/prompt.ts';
import { cutMiddle } from '../../activities/model/context/shrink.ts';
import {
  Corrections,
  estimateTokens,
  tokenCounter,
} from '../../activities/model/context/tokens.ts';
import { agentSchema } from '../../contracts/settings.ts';
import { newId } from '../../contracts/ids.ts';
import type { MessageId } from '../../contracts/ids.ts';
import type { TranscriptMessage } from '../../contracts/transcript.ts';
import { scriptedModel } from '../../testing/scripted-model.ts';
import type { ScriptedRequest } from '../../testing/scripted-model.ts';
import { nextStep, openStage } from './stage.ts';

const at = '2026-01-01T00:00:00.000Z';
const turns: MessageId[] = Array.from({ length: 30 }, () => newId('msg'));

const user = (turn: MessageId, position: number, text: string): TranscriptMessage => ({
  role: 'user',
  id: turn,
  turn,
  step: 1,
  position,
  at,
  content: [{ type: 'text', text }],
});
const assistant = (
  turn: MessageId,
  position: number,
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
const tool = (
  turn: MessageId,
  position: number,
  id: string,
  result: string,
): TranscriptMessage => ({
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

/** A conversation of any shape: each turn a question, perhaps calls with results, an answer. */
const words = fc.oneof(
  fc.string({ maxLength: 600 }),
  fc.string({ unit: 'grapheme', maxLength: 300 }),
  fc.integer({ min: 0, max: 4_000 }).map((n) => 'lorem ipsum '.repeat(n / 12)),
);
const conversation = fc
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
        rows.push(assistant(turn, rows.length, '', [`${n}`]));
        rows.push(tool(turn, rows.length, `${n}`, result));
      }
      if (n < parts.length - 1) rows.push(assistant(turn, rows.length, answer));
    }
    return { rows, turn: turns[parts.length - 1] as MessageId };
  });

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
        const parts = toModelMessages(plan.rows, 'p').flatMap(({ content }) =>
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
      assistant(one, 2, '', ['a', 'b']),
      tool(one, 3, 'b', 'B'),
      user(two, 4, 'steer'),
      tool(one, 5, 'a', 'A'),
    ];
    expect(toModelMessages(rows, 'p').map(({ role }) => role)).toEqual([
      'user',
      'assistant',
      'tool',
      'tool',
      'user',
    ]);
  });

  it('give a call that was never answered a result that says so', () => {
    const text = textIn(toModelMessages([user(one, 1, 'q'), assistant(one, 2, '', ['a'])], 'p'));
    expect(text).toContain('interrupted');
  });

  it('use the native form with its own provider only', () => {
    const row: TranscriptMessage = {
      ...(assistant(one, 2, 'plain') as Extract<TranscriptMessage, { role: 'assistant' }>),
      native: {
        provider: 'p',
        messages: [{ role: 'assistant', content: [{ type: 'text', text: 'native' }] }],
      },
    };
    expect(textIn(toModelMessages([row], 'p'))).toContain('native');
    expect(textIn(toModelMessages([row], 'other'))).toContain('plain');
  });

  it('are the same for the same rows, so that the prefix stays in the cache', () => {
    fc.assert(
      fc.property(conversation, ({ rows }) => {
        const all = toModelMessages(rows, 'p');
        const fewer = toModelMessages(rows.slice(0, -1), 'p');
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
      fc.asyncProperty(fc.array(words, { minLength: 2, maxLength: 8 }), async (messages) => {
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
      { numRuns: 8 },
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
