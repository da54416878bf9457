import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { contentSchema, partsText, toParts } from '../../contracts/content.ts';
import { EVENT_TYPES, eventSchema } from '../../contracts/events.ts';
import { newId } from '../../contracts/ids.ts';
import { queueEditSchema, sendMessageSchema, startSessionSchema } from '../../contracts/session.ts';
import { clientToolSchema, toolAnswerSchema } from '../../contracts/tools.ts';
import { logOf, numbered, turnScripts } from './event-logs.ts';

const accepts = (value: unknown) => eventSchema.safeParse(value).success;
const [reopened] = numbered([{ type: 'session.reopened', data: {} }]);

describe('the event schema', () => {
  test('accepts every event of a session’s log as it is', () => {
    fc.assert(
      fc.property(turnScripts, (script) => {
        for (const event of logOf(script, { faults: true })) {
          expect(eventSchema.parse(event)).toEqual(event);
        }
      }),
      { numRuns: 20 },
    );
  });

  test.each([
    ['another version of the envelope', { ...reopened, v: 2 }],
    ['number 0', { ...reopened, seq: 0 }],
    ['half a number', { ...reopened, seq: 1.5 }],
    ['a malformed session id', { ...reopened, sessionId: 'ses_1' }],
    ['a turn that is not a message id', { ...reopened, turn: newId('ses') }],
    ['an unknown type', { ...reopened, type: 'session.exploded' }],
    ['the data of another type', { ...reopened, type: 'content.delta' }],
    ['nothing', undefined],
  ])('refuses %s', (_, event) => {
    expect(accepts(event)).toBe(false);
  });

  test('makes a turn’s failure without its error, and a success with an unknown outcome, impossible', () => {
    const usage = { inputTokens: 1, outputTokens: 1, cachedInputTokens: 0, reasoningTokens: 0 };
    const settled = (data: object) =>
      accepts({ ...reopened, type: 'turn.settled', data: { usage, costUsd: 0, ...data } });
    expect(settled({ outcome: 'completed' })).toBe(true);
    expect(settled({ outcome: 'failed' })).toBe(false);
    expect(settled({ outcome: 'splendid' })).toBe(false);
  });

  test('lets a tool call end with a result only where it completed', () => {
    const callId = newId('call');
    const settled = (data: object) =>
      accepts({ ...reopened, type: 'tool.settled', data: { callId, name: 'look', ...data } });
    expect(settled({ outcome: 'completed', result: { any: ['json', null] } })).toBe(true);
    expect(settled({ outcome: 'timed_out' })).toBe(false);
    const error = { code: 'tool_timeout', message: 'late', retryable: true };
    expect(settled({ outcome: 'timed_out', error })).toBe(true);
    expect(settled({ outcome: 'timed_out', error: { ...error, code: 'tool_exploded' } })).toBe(
      false,
    );
  });

  test('names every type noun.fact', () => {
    expect(EVENT_TYPES).toContain('content.delta');
    for (const type of EVENT_TYPES) expect(type).toMatch(/^[a-z]+\.[a-z]+$/);
  });
});

describe('content', () => {
  test('is text, or parts; never empty', () => {
    for (const empty of ['', [], [{ type: 'text' }], [{ type: 'image', text: 'x' }], null]) {
      expect(contentSchema.safeParse(empty).success, JSON.stringify(empty)).toBe(false);
    }
    expect(toParts('hello')).toEqual([{ type: 'text', text: 'hello' }]);
  });

  test('as text names an artifact by its file, else by its hash', () => {
    const artifact = `sha256_${'a'.repeat(64)}`;
    const ref = { type: 'artifact', artifact, mediaType: 'text/plain', bytes: 3 } as const;
    const parts = contentSchema.parse([
      { type: 'text', text: 'see' },
      { ...ref, name: 'a.txt' },
      ref,
    ]);
    expect(partsText(toParts(parts))).toBe(`see\n[a.txt]\n[${artifact}]`);
  });

  test('refuses an artifact’s reference that is no SHA-256', () => {
    const part = {
      type: 'artifact',
      artifact: '../../etc/passwd',
      mediaType: 'text/plain',
      bytes: 3,
    };
    expect(contentSchema.safeParse([part]).success).toBe(false);
  });
});

describe('what clients send', () => {
  test('is refused with a field that nobody knows', () => {
    expect(startSessionSchema.safeParse({ agnet: 'a' }).success).toBe(false);
    expect(sendMessageSchema.safeParse({ content: 'x', polciy: 'steer' }).success).toBe(false);
    expect(startSessionSchema.safeParse(JSON.parse('{"__proto__": {"agent": "a"}}')).success).toBe(
      false,
    );
  });

  test('has enqueue without reopening as its default', () => {
    expect(sendMessageSchema.parse({ content: 'x' })).toEqual({
      content: 'x',
      policy: 'enqueue',
      reopen: false,
    });
  });

  test('edits a queue by one of four actions', () => {
    const messageId = newId('msg');
    expect(queueEditSchema.safeParse({ action: 'move', messageId, position: 0 }).success).toBe(
      true,
    );
    expect(queueEditSchema.safeParse({ action: 'move', messageId, position: -1 }).success).toBe(
      false,
    );
    expect(queueEditSchema.safeParse({ action: 'burn', messageId }).success).toBe(false);
  });

  test('declares a tool that runs at most once, unless it says otherwise', () => {
    const tool = { name: 'ask', description: 'asks', inputSchema: { type: 'object' } };
    expect(clientToolSchema.parse(tool).effect).toBe('never-retry');
    expect(clientToolSchema.safeParse({ ...tool, name: 'rm -rf' }).success).toBe(false);
    expect(clientToolSchema.safeParse({ ...tool, inputSchema: { type: 'array' } }).success).toBe(
      false,
    );
  });

  test('answers a call with a result or with what went wrong', () => {
    expect(toolAnswerSchema.safeParse({ status: 'completed', result: null }).success).toBe(true);
    expect(toolAnswerSchema.safeParse({ status: 'done', result: 1 }).success).toBe(false);
    expect(toolAnswerSchema.safeParse({ status: 'failed', message: '' }).success).toBe(false);
  });
});
