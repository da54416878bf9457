// Plain forms of procedures (a stream, bytes) let in whom the procedure lets in.
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { appRouter } from '../../api/router.ts';
import type { ProcedureMeta } from '../../api/procedures.ts';
import { newId } from '../../contracts/ids.ts';
import type { Role } from '../../journal/port.ts';
import { startFixture, type Fixture } from './support/fixture.ts';

let product: Fixture;
let artifact: string;
beforeAll(async () => {
  product = await startFixture();
  const stored = await upload(undefined);
  artifact = String(stored.body['artifact']);
});
afterAll(() => product[Symbol.asyncDispose]());

type Defined = { _def: { meta: ProcedureMeta } };
const metas = appRouter._def.procedures as unknown as Record<string, Defined>;
const restore: (() => void)[] = [];
afterEach(() => restore.splice(0).forEach((each) => each()));

/** As if the procedure had been written so. */
function only(procedure: string, ...roles: Role[]): void {
  const { _def } = metas[procedure]!;
  const { meta } = _def;
  _def.meta = { ...meta, roles };
  restore.push(() => (_def.meta = meta));
}

const upload = (key: string | undefined) =>
  product.send('POST', '/api/artifacts', {
    body: 'x',
    key,
    headers: { 'content-type': 'text/plain' },
  });
const PLAIN = {
  'artifact.put': upload,
  'artifact.get': (key?: string) => product.send('GET', `/api/artifacts/${artifact}`, { key }),
  'runner.calls': (key?: string) =>
    product.send('GET', `/api/runners/${newId('run')}/calls?instance=${newId('run')}`, {
      key,
      headers: { accept: 'text/event-stream' },
    }),
};

test.each(Object.entries(PLAIN))(
  'the plain form of %s lets a runner in while the procedure does, and refuses it when the procedure does',
  async (procedure, ask) => {
    const key = await product.key('local', 'local', 'runner');
    expect((await ask(key)).body.code).not.toBe('forbidden');
    only(procedure, 'user', 'operator');
    const refused = await ask(key);
    expect([refused.status, refused.body.code]).toEqual([403, 'forbidden']);
    expect(refused.body.detail).toContain(`may not call ${procedure}: it takes user or operator`);
    const over = await fetch(`${product.url}/trpc/${procedure}`, {
      method: procedure === 'artifact.put' ? 'POST' : 'GET',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    });
    expect(over.status).toBe(403);
  },
);
