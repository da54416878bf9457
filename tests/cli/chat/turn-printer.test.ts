import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { foldEvents, textOfTurn } from '../../../client/index.ts';
import { printable } from '../../../cli/format.ts';
import { createTurnPrinter } from '../../../cli/chat/turn-printer.ts';
import type { PerdureEvent } from '../../../contracts/events.ts';
import { newId } from '../../../contracts/ids.ts';
import { logOf, numbered, turnScripts } from '../../contracts/event-logs.ts';

/** What is on the screen after each event of a log. */
function printed(log: readonly PerdureEvent[], options?: { reasoning: boolean }): string {
  const printer = createTurnPrinter(options);
  let view = foldEvents([]);
  let out = '';
  for (const event of log) {
    view = foldEvents([event], view);
    const turn = view.turns.find(({ turn }) => turn === event.turn);
    if (turn) out += printer.update(turn);
  }
  return out;
}

const turn = newId('msg');
const say = (text: string, attempt = 1) =>
  ({ type: 'content.delta', data: { kind: 'text', text }, turn, step: 1, attempt }) as const;
const think = (text: string) =>
  ({
    type: 'content.delta',
    data: { kind: 'reasoning', text },
    turn,
    step: 1,
    attempt: 1,
  }) as const;
const thought = (text: string) => ({ ...think(text), type: 'content.completed' }) as const;
const whole = (text: string, attempt = 1) =>
  ({ type: 'content.completed', data: { kind: 'text', text }, turn, step: 1, attempt }) as const;
const stored = (text: string) =>
  ({
    type: 'content.completed',
    data: {
      kind: 'text',
      artifact: {
        artifact: `sha256_${'0'.repeat(64)}`,
        mediaType: 'text/plain',
        bytes: Buffer.byteLength(text),
      },
    },
    turn,
    step: 1,
    attempt: 1,
  }) as const;
const superseded = {
  type: 'attempt.superseded',
  data: { attempt: 1 },
  turn,
  step: 1,
  attempt: 2,
} as const;
const usage = { inputTokens: 0, outputTokens: 0, cachedInputTokens: 0, reasoningTokens: 0 };
const end = {
  type: 'turn.settled',
  data: { outcome: 'completed', usage, costUsd: 0 },
  turn,
} as const;

describe('a turn on the screen', () => {
  test('grows with its text and ends with a line break', () => {
    expect(printed(numbered([say('He'), say('llo'), whole('Hello'), end]))).toBe('Hello\n');
  });

  test('shows an answer too large for an event once, as it streamed', () => {
    const log = numbered([say('Hel'), say('lo'), stored('Hello'), end]);
    expect(printed(log)).toBe('Hello\n');
  });

  test('says where a text is that is nowhere else', () => {
    const { artifact } = stored('Hello').data;
    const log = numbered([stored('Hello'), end]);
    expect(printed(log)).toBe(`[5 bytes of text in ${artifact.artifact}]\n`);
  });

  test('says where the arguments of a call are that are too large for an event', () => {
    const { artifact } = stored('Hello').data;
    const callId = newId('call');
    const data = { callId, name: 'look', mode: 'client', effect: 'read', artifact } as const;
    const log = numbered([{ type: 'tool.requested', data, turn, step: 1, attempt: 1 }]);
    expect(printed(log)).toBe(`  ⚙ look 5 bytes in ${artifact.artifact.slice(0, 15)}…\n`);
  });

  test('goes on where it was when the next attempt says the same', () => {
    const log = numbered([
      say('Hello wo'),
      superseded,
      say('Hel', 2),
      say('lo world', 2),
      whole('Hello world', 2),
      end,
    ]);
    expect(printed(log)).toBe('Hello world\n');
  });

  test('begins again below a notice when the next attempt says something else', () => {
    const log = numbered([
      say('Hello wo'),
      superseded,
      say('Good day', 2),
      whole('Good day', 2),
      end,
    ]);
    expect(printed(log)).toBe('Hello wo\n(the answer begins again)\nGood day\n');
  });

  test('begins again when the next attempt says less', () => {
    const log = numbered([say('Hello wo'), superseded, whole('Hello', 2), end]);
    expect(printed(log)).toBe('Hello wo\n(the answer begins again)\nHello\n');
  });

  test('shows calls and results in lines of their own, and text after them', () => {
    const callId = newId('call');
    const log = numbered([
      say('I look.'),
      {
        type: 'tool.requested',
        data: { callId, name: 'look', mode: 'worker', effect: 'read', arguments: { at: 'x' } },
        turn,
        step: 1,
        attempt: 1,
      },
      {
        type: 'tool.settled',
        data: { callId, name: 'look', outcome: 'completed', result: 'y' },
        turn,
      },
      { ...say('There.'), step: 2 },
      end,
    ]);
    expect(printed(log)).toBe('I look.\n  ⚙ look {"at":"x"}\n  ✓ look: y\n\nThere.\n');
  });

  test('shows what the model thought above its answer, dimmed and apart, where that is wanted', () => {
    const log = numbered([
      think('A gree'),
      think('ting.\u001b[31m'),
      say('Hel'),
      think(' Too late.'),
      say('lo'),
      whole('Hello'),
      thought('A greeting.\u001b[31m Too late.'),
      end,
    ]);
    const out = printed(log, { reasoning: true });
    expect(out).toBe('\u001b[2mA gree\u001b[22m\u001b[2mting.[31m\u001b[22m\n\nHello\n');
    expect(printed(log)).toBe('Hello\n');
  });

  test('never lets a model steer the terminal', () => {
    const out = printed(numbered([say('a\u001b]0;title\u0007b\u009b2Jc\r\n'), end]));
    // eslint-disable-next-line no-control-regex
    expect(out).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/);
  });

  test('ends, whatever went wrong, with the text of every turn below the last fresh start', () => {
    fc.assert(
      fc.property(turnScripts, (script) => {
        const log = logOf(script, { faults: true });
        const last = foldEvents(log).turns.at(-1)!;
        const squeeze = (text: string) => printable(text).replace(/\s/g, '');
        const text = squeeze(
          last.steps.map((step) => textOfTurn({ ...last, steps: [step] })).at(-1)!,
        );
        expect(squeeze(printed(log)).endsWith(text)).toBe(true);
      }),
    );
  });
});
