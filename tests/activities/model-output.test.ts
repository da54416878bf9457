import { describe, expect, it } from 'vitest';
import { PerdureError } from '../../contracts/perdure-error.ts';
import type { Journal } from '../../journal/port.ts';
import { MANY_WORDS, scripted } from './scripted-stage.ts';

const unreachable = () => new PerdureError('journal_unavailable', 'gone');

/** A journal whose append fails `failures` times, before or after it really wrote. */
const failingAppend =
  (failures: number, when: 'before' | 'after') =>
  (journal: Journal): Journal => {
    let left = failures;
    const append: Journal['steps']['append'] = async (attempt, events) => {
      const fail = left > 0 && events.some(({ type }) => type === 'content.delta');
      if (fail) left--;
      if (fail && when === 'before') throw unreachable();
      const seq = await journal.steps.append(attempt, events);
      if (fail) throw unreachable();
      return seq;
    };
    return { ...journal, steps: { ...journal.steps, append } };
  };

describe('a journal that fails in mid-stream', () => {
  it.each(['before', 'after'] as const)(
    'for a moment, %s it wrote, costs no text and repeats none',
    async (when) => {
      const { stage } = await scripted([{ text: MANY_WORDS, wordDelayMs: 1 }], {
        spoil: failingAppend(3, when),
      });
      await using _ = stage;
      expect((await stage.callModel(stage.message('go'))).outcome).toBe('completed');
      const deltas = await stage.eventsOf('content.delta');
      expect(deltas.map(({ data }) => data.text).join('')).toBe(MANY_WORDS);
      expect(await stage.eventsOf('model.started')).toHaveLength(1);
    },
  );

  it('when the step is claimed is an interruption: nothing is charged, nobody is asked', async () => {
    const { stage, model } = await scripted([], {
      spoil: (journal) => ({
        ...journal,
        steps: { ...journal.steps, claim: () => Promise.reject(unreachable()) },
      }),
    });
    await using _ = stage;
    await expect(stage.callModel(stage.message('go'))).rejects.toMatchObject({
      type: 'journal_unavailable',
      nonRetryable: false,
    });
    expect(model.requests).toHaveLength(0);
  });
});

describe('what a model says', () => {
  it('over 32 KiB is kept as an artifact', async () => {
    const text = 'word '.repeat(8_000);
    const { stage } = await scripted([{ text }]);
    await using _ = stage;
    await stage.callModel(stage.message('go'));
    const [completed] = await stage.eventsOf('content.completed');
    expect(completed?.data.text).toBeUndefined();
    const found = await stage.journal.artifacts.get(
      'acme',
      completed?.data.artifact?.artifact ?? '',
    );
    expect(Buffer.from(found?.bytes ?? []).toString()).toBe(text);
  });

  it('with NUL and half characters in it is kept in a form that every database takes', async () => {
    const { stage } = await scripted([{ text: 'a\0b \ud83d\ude00 \ud83d end' }]);
    await using _ = stage;
    await stage.callModel(stage.message('go'));
    const [completed] = await stage.eventsOf('content.completed');
    expect(completed?.data.text).toBe('a\uFFFDb \u{1f600} \uFFFD end');
  });

  it('with thoughts is told apart from its thoughts', async () => {
    const { stage } = await scripted([{ reasoning: 'Let me see. ', text: 'Yes.' }]);
    await using _ = stage;
    await stage.callModel(stage.message('go'));
    const completed = await stage.eventsOf('content.completed');
    expect(completed.map(({ data }) => [data.kind, data.text])).toEqual([
      ['reasoning', 'Let me see. '],
      ['text', 'Yes.'],
    ]);
  });
});

describe('a tool that a client declared', () => {
  it('is offered to the client with its checked arguments', async () => {
    const { stage, model } = await scripted(
      [{ calls: [{ name: 'ask_price', input: { item: 'milk' } }] }],
      {
        tools: [
          {
            name: 'ask_price',
            description: 'Asks the shop.',
            inputSchema: {
              type: 'object',
              properties: { item: { type: 'string' } },
              required: ['item'],
            },
            effect: 'never-retry',
          },
        ],
      },
    );
    await using _ = stage;
    const result = await stage.callModel(stage.message('go'));
    expect(model.requests[0]?.tools).toContain('ask_price');
    expect(result).toMatchObject({
      outcome: 'tool_calls',
      calls: [{ name: 'ask_price', mode: 'client', effect: 'never-retry', timeoutMs: 300_000 }],
    });
    const pending = await stage.journal.ledger.pending({ tenant: 'acme' }, 10);
    expect(pending.map(({ arguments: json }) => json)).toEqual(['{"item":"milk"}']);
  });
});
