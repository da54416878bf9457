/** Each code that an answer can carry is met over HTTP by a test in this folder. */
import { readdir, readFile } from 'node:fs/promises';
import { Client, Connection } from '@temporalio/client';
import { expect, inject, test } from 'vitest';
import { ERROR_CODES, ERRORS, type ErrorCode } from '../../contracts/errors.ts';
import { MAX_QUEUED_MESSAGES } from '../../contracts/limits.ts';
import { eventually, startFixture } from './support/fixture.ts';

/** Nothing answers with these yet: their procedures are still to come. */
const NOT_ANSWERED_YET: readonly ErrorCode[] = ['budget_exhausted'];

const ANSWERED = ERROR_CODES.filter((code) => ERRORS[code].status !== null);

async function textOf(folder: string): Promise<string> {
  const names = await readdir(folder, { recursive: true });
  const files = names.filter((name) => name.endsWith('.ts') && name !== 'error-codes.test.ts');
  return (await Promise.all(files.map((name) => readFile(`${folder}/${name}`, 'utf8')))).join('\n');
}

test('every code is looked for in an answer by some test here, except those that nothing answers yet', async () => {
  // Codes that this very file meets.
  const here: readonly ErrorCode[] = ['queue_full', 'resource_exhausted'];
  const tests = await textOf('tests/api');
  const expected = ANSWERED.filter(
    (code) =>
      here.includes(code) || new RegExp(`(code: |[45]\\d\\d,\\s+|toBe\\()'${code}'`).test(tests),
  );
  expect(expected).toEqual(ANSWERED.filter((code) => !NOT_ANSWERED_YET.includes(code)));
});

test('what is said to be answered by nothing yet is thrown by nothing in the API', async () => {
  const api = await textOf('api');
  for (const code of NOT_ANSWERED_YET) expect(api).not.toContain(`'${code}'`);
});

test('a message beyond the most that may wait is answered queue_full to whoever waits for its reply', async () => {
  await using product = await startFixture({ worker: true });
  const { sessionId } = (
    await product.send('POST', '/api/sessions', {
      body: { agent: 'asker', message: 'call=ask{"question":"x"}' },
    })
  ).body;
  const path = `/api/sessions/${sessionId}`;
  await eventually(
    () => product.send('GET', path),
    ({ body }) => body['state'] === 'waiting_for_tools',
  );
  const send = (wait: string) =>
    product.send('POST', `${path}/messages${wait}`, { body: { content: 'x' } });
  await Promise.all(Array.from({ length: MAX_QUEUED_MESSAGES }, () => send('')));
  const refused = await send('?wait=120s');
  expect([refused.status, refused.body.code]).toEqual([429, 'queue_full']);
  await product.send('POST', `${path}/stop`);
});

test("Temporal's limits are answered resource_exhausted", async () => {
  const connection = await Connection.connect({ address: inject('temporalAddress') });
  // gRPC's "resource exhausted"; a dev server has no limit that a test could reach.
  const exhausted = Object.assign(new Error('exhausted'), { code: 8, details: '', metadata: {} });
  const temporalClient = new Client({
    connection,
    interceptors: { workflow: [{ signal: () => Promise.reject(exhausted) }] },
  });
  try {
    await using product = await startFixture({ temporalClient });
    const { sessionId } = (await product.send('POST', '/api/sessions', { body: {} })).body;
    const refused = await product.send('POST', `/api/sessions/${sessionId}/messages`, {
      body: { content: 'x' },
    });
    expect([refused.status, refused.body.code]).toEqual([503, 'resource_exhausted']);
  } finally {
    await connection.close();
  }
});
