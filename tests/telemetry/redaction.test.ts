import { describe, expect, it } from 'vitest';
import { createLog } from '../../telemetry/log.ts';

const KEY = 'provider-key-0123456789"\\quoted';
const OWN = `pdk_${'a'.repeat(43)}`;

function lines(write: (log: ReturnType<typeof createLog>) => void): string {
  let text = '';
  const destination = { write: (line: string) => void (text += line) };
  write(createLog({ level: 'debug', service: 'test', secrets: [KEY], destination }));
  return text;
}

describe('log lines (A15)', () => {
  it('carry ids and the whole cause chain', () => {
    const root = Object.assign(new Error('connection refused'), { code: 'ECONNREFUSED' });
    const error = new Error('the step failed', {
      cause: new TypeError('no answer', { cause: root }),
    });
    const ids = { sessionId: 'ses_1', turn: 'msg_1', step: 2, attempt: 3, traceId: 'abc' };
    const line = JSON.parse(lines((log) => log.error({ ...ids, err: error }, 'turn failed')));
    expect(line).toMatchObject({
      level: 'error',
      service: 'test',
      msg: 'turn failed',
      ...ids,
      err: {
        message: 'the step failed',
        cause: {
          type: 'TypeError',
          message: 'no answer',
          cause: { message: 'connection refused', code: 'ECONNREFUSED' },
        },
      },
    });
    expect(line.err.cause.cause.stack).toContain('redaction.test.ts');
  });

  it('survive a chain that is a circle, and causes that are no errors', () => {
    const error = new Error('round');
    error.cause = error;
    expect(() => JSON.parse(lines((log) => log.error({ err: error }, 'x')))).not.toThrow();
    const odd = new Error('odd', { cause: { status: 500 } });
    expect(lines((log) => log.error({ err: odd }, 'x'))).toContain('status');
  });

  it.each([
    ['in a message', (log) => log.info(`key ${KEY} and ${OWN}`)],
    ['in a field', (log) => log.info({ deep: { list: [KEY, OWN] } }, 'x')],
    ['in an error', (log) => log.error({ err: new Error(`bad ${KEY} ${OWN}`) }, 'x')],
    [
      'in the cause of an error',
      (log) => log.error({ err: new Error('x', { cause: new Error(`${KEY} ${OWN}`) }) }, 'x'),
    ],
    [
      'in JSON in a string',
      (log) => log.info({ body: JSON.stringify({ KEY, OWN, key: KEY }) }, 'x'),
    ],
    ['in a child of the log', (log) => log.child({ key: KEY, own: OWN }).info('x')],
  ] satisfies [string, (log: ReturnType<typeof createLog>) => void][])(
    'never show a secret %s',
    (_, write) => {
      const text = lines(write);
      expect(text).toContain('[redacted]');
      expect(text).not.toContain('provider-key');
      expect(text).not.toContain('pdk_');
      for (const line of text.trim().split('\n')) expect(() => JSON.parse(line)).not.toThrow();
    },
  );

  it.each([
    { headers: { authorization: 'Token abc-def' } },
    { headers: { Authorization: 'Basic YWxhZGRpbjpvcGVu' } },
    { headers: { 'x-api-key': 'abc-def' } },
    { headers: { cookie: 'session=abc-def' } },
    { raw: '{"authorization":"abc-def"}' },
    { text: 'Authorization: Bearer abc-def-0123' },
    { url: 'postgres://perdure:abc-def@db:5432/perdure' },
    { text: 'Incorrect API key provided: sk-proj-abc-def-0123456789' },
  ])('never show a header, a password or what looks like a key: %j', (fields) => {
    const text = lines((log) => log.info(fields, 'x'));
    expect(text).toContain('[redacted]');
    expect(text).not.toMatch(/abc-def|YWxhZGRpbjpvcGVu/);
  });

  it('leave ordinary words alone', () => {
    const text = lines((log) =>
      log.info({ sessionId: 'ses_01jd9rk0x3e8wvz5t2m4q7h6na' }, 'key-value'),
    );
    expect(text).not.toContain('[redacted]');
  });
});
