import { describe, expect, test } from 'vitest';
import { connectionNotice, noticeOf } from '../../../cli/chat/notices.ts';
import { slashCommand } from '../../../cli/chat/slash.ts';
import { oneLine, resultLine } from '../../../cli/format.ts';
import { NetworkError } from '../../../client/index.ts';
import type { NewEvent } from '../../../contracts/events.ts';
import { newId } from '../../../contracts/ids.ts';
import { numbered } from '../../contracts/event-logs.ts';

const NOW = Date.parse('2026-11-21T00:00:00.000Z');
const LATER = '2026-11-21T00:00:07.500Z';
const error = { code: 'model_unavailable', message: 'over\nloaded', retryable: true } as const;
const usage = { inputTokens: 0, outputTokens: 0, cachedInputTokens: 0, reasoningTokens: 0 };
const notice = (event: NewEvent) => noticeOf(numbered([event])[0]!, NOW);
const settled = (data: object) =>
  notice({ type: 'turn.settled', data: { usage, costUsd: 0, ...data } } as NewEvent);

describe('a notice', () => {
  test('tells that the model failed, why, and when it is tried again', () => {
    expect(notice({ type: 'model.retrying', data: { error, failures: 2, nextAt: LATER } })).toBe(
      '(model failed, 2×: over loaded; trying again 8 s from now)',
    );
  });

  test('tells of another model, and why', () => {
    const switched = (reason: 'fallback' | 'requested') =>
      notice({ type: 'model.switched', data: { from: 'a', to: 'b', reason } });
    expect(switched('fallback')).toBe('(now using b: a does not answer)');
    expect(switched('requested')).toBe('(now using b)');
  });

  test('tells how a turn ended, unless it ended well', () => {
    expect(settled({ outcome: 'completed' })).toBeUndefined();
    expect(settled({ outcome: 'interrupted' })).toBe('(interrupted)');
    expect(settled({ outcome: 'limit_exceeded', error })).toMatch(
      /^✗ Turn limit exceeded: over loaded \(model_unavailable\)\n {2}Send the message again later/,
    );
  });

  test('warns of the end of the session, and tells how to go on', () => {
    const warning = (withdrawn: boolean) =>
      notice({ type: 'session.warning', data: { reason: 'idle', endsAt: LATER, withdrawn } });
    expect(warning(false)).toBe('(the session ends 8 s from now: idle limit)');
    expect(warning(true)).toBeUndefined();
    expect(notice({ type: 'session.ended', data: { reason: 'idle' } })).toContain('reopens it');
    expect(notice({ type: 'session.ended', data: { reason: 'error', error } })).toContain(
      '✗ Session',
    );
  });

  test('tells of messages that were refused, and of progress', () => {
    expect(
      notice({ type: 'message.rejected', data: { messageId: newId('msg'), error } }),
    ).toContain('✗ Message refused: over loaded');
    const callId = newId('call');
    expect(notice({ type: 'tool.progress', data: { callId, message: 'half' } })).toBe('  … half');
    const compacted = { beforeTokens: 9, afterTokens: 3, throughMessage: 'x' };
    expect(notice({ type: 'context.compacted', data: compacted })).toContain('summarised');
  });

  test('tells once that the connection is lost, and once that it is back', () => {
    const lost = (failures: number) =>
      connectionNotice({
        type: 'lost',
        error: new NetworkError('cut', 'x'),
        failures,
        retryInMs: 1,
      });
    expect(lost(1)).toContain('connection lost');
    expect(lost(2)).toBeUndefined();
    expect(connectionNotice({ type: 'resumed' })).toBe('(connected again)');
  });
});

describe('a line that was typed', () => {
  test('is a command only where it is a slash and a word', () => {
    expect(slashCommand('/model  fast one ')).toMatchObject({ argument: 'fast one' });
    expect(slashCommand('/constructor')).toEqual({ command: undefined, argument: '' });
    for (const message of ['hello', '/etc/passwd is a file', '/', '//', 'a /help']) {
      expect(slashCommand(message), message).toBeUndefined();
    }
  });
});

describe('text in a line', () => {
  test('is short, flat and harmless', () => {
    expect(oneLine('a\n\tb\u001b[2Jc')).toBe('a b[2Jc');
    expect(oneLine('x'.repeat(500), 10)).toBe(`${'x'.repeat(9)}…`);
  });

  test('shows a result, an artifact or an error', () => {
    const artifact = {
      artifact: `sha256_${'a'.repeat(64)}`,
      mediaType: 'text/plain',
      bytes: 70_000,
    };
    expect(resultLine('t', { outcome: 'completed', result: { a: 1 } })).toBe('  ✓ t: {"a":1}');
    expect(resultLine('t', { outcome: 'completed', artifact })).toContain('70000 bytes in sha256_');
    expect(resultLine('t', { outcome: 'failed', error })).toBe(
      '  ✗ t: over loaded (model_unavailable)',
    );
  });
});
