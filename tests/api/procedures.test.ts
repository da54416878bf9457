/** A tour of the product that calls every procedure over HTTP and is answered by each: as tRPC, and as REST where it has that form. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { restRoutes } from '../../api/http/rest.ts';
import { appRouter } from '../../api/router.ts';
import { newId } from '../../contracts/ids.ts';
import { mcpServerSchema } from '../../contracts/mcp.ts';
import { eventually, startFixture, type Fixture } from './support/fixture.ts';

type Json = Record<string, unknown>;
/** What the tour has met so far: ids by their names. */
type Seen = Record<string, string>;
interface Stop {
  readonly input?: (seen: Seen) => Json;
  /** What later stops need of the answer; undefined: ask again, it is not there yet. */
  readonly keep?: (output: Json) => Seen | undefined;
}

const INSTANCE = newId('run');
const GUARDED = {
  name: 'guarded',
  description: 'Asks a person first.',
  inputSchema: { type: 'object' },
  approval: 'always',
};
const MANIFEST = { hash: 'a'.repeat(64), tools: [] };
const session = ({ sessionId }: Seen) => ({ sessionId });
const first = (output: Json, list: string): Json | undefined => (output[list] as Json[])[0];
const ids =
  (...names: string[]) =>
  (output: Json): Seen =>
    Object.fromEntries(names.map((name) => [name, String(output[name])]));
const ended = (state: string) => (output: Json) => (output['state'] === state ? {} : undefined);

/** In the order of the tour. A procedure may be met twice: `#` and a word are no part of its name. */
const TOUR: Record<string, Stop> = {
  'system.info': {},
  'agent.list': {},
  'key.create': { input: () => ({ user: 'kim' }), keep: ids('keyId') },
  'key.list': {},
  'key.revoke': { input: ({ keyId }) => ({ keyId }) },
  'credential.list': {},
  'credential.check': { input: () => ({ name: 'login' }) },
  'credential.forget': { input: () => ({ name: 'login' }) },
  'credential.login': { input: () => ({ name: 'person' }), keep: ids('loginId') },
  'credential.loginState': { input: ({ loginId }) => ({ name: 'person', loginId }) },
  'credential.cancelLogin': { input: ({ loginId }) => ({ name: 'person', loginId }) },
  'system.audit': { input: () => ({}) },
  'artifact.put': {
    input: () => ({ base64: 'eA==', mediaType: 'text/plain' }),
    keep: ids('artifact'),
  },
  'artifact.get': { input: ({ artifact }) => ({ artifact }) },
  'runner.register': {
    input: () => ({
      ...{ name: 'laptop', instance: INSTANCE, workdir: '/w', tools: [], version: '1' },
    }),
    keep: ids('runnerId'),
  },
  'runner.list': {},
  'runner.calls': { input: ({ runnerId }) => ({ runnerId, instance: INSTANCE }) },
  'runner.share': { input: ({ runnerId }) => ({ runnerId, shared: true }) },
  'session.start': {
    input: () => ({ agent: 'asker', message: 'call=ask{"question":"x"}' }),
    keep: ids('sessionId'),
  },
  'session.list': { input: () => ({}) },
  'context.set': { input: ({ sessionId }) => ({ context: 'window', sessionId }) },
  'context.get': { input: () => ({ context: 'window' }) },
  'context.list': {},
  'context.changes': {},
  'tool.pending': {
    input: session,
    keep: (output) => {
      const call = first(output, 'calls');
      return call && { callId: String(call['callId']) };
    },
  },
  'tool.claim': { input: ({ callId }) => ({ callId, holder: 'me' }) },
  'tool.progress': { input: ({ callId }) => ({ callId, holder: 'me', message: 'half' }) },
  'session.send': {
    input: ({ sessionId }) => ({ sessionId, content: 'later' }),
    keep: ids('messageId'),
  },
  'session.queue.list': {
    input: session,
    keep: (output) => (first(output, 'messages') ? {} : undefined),
  },
  'session.queue.edit': {
    input: ({ sessionId, messageId }) => ({ sessionId, edit: { action: 'remove', messageId } }),
  },
  'tool.result': {
    input: ({ callId }) => ({ callId, outcome: { status: 'completed', result: 1 } }),
  },
  'tool.resultOfSession': {
    input: ({ callId, sessionId }) => ({
      ...{ callId, sessionId },
      outcome: { status: 'completed', result: 1 },
    }),
  },
  'session.get': { input: session, keep: ended('waiting') },
  'session.interrupt': { input: session },
  'session.reconfigure': { input: ({ sessionId }) => ({ sessionId, model: 'other' }) },
  'session.transcript': { input: session },
  'session.history': { input: session },
  'session.page': { input: session },
  'session.events': { input: session },
  'system.jobStatus': { input: ({ sessionId }) => ({ jobId: sessionId }) },
  'session.stop': { input: session },
  'session.get#ended': { input: session, keep: ended('ended') },
  'session.reopen': { input: session },
  'session.start#asking': {
    input: () => ({ tools: [GUARDED], message: 'call=guarded{}' }),
    keep: ids('sessionId'),
  },
  'approval.list': {
    input: session,
    keep: (output) => {
      const approval = first(output, 'approvals');
      return approval && { approvalId: String(approval['approvalId']) };
    },
  },
  'approval.get': { input: ({ approvalId }) => ({ approvalId }) },
  'approval.decide': { input: ({ approvalId }) => ({ approvalId, decision: 'approve' }) },
  'session.stop#asking': { input: session },
  'mcp.list': {},
  'mcp.approve': { input: () => ({ server: 'files', hash: MANIFEST.hash }) },
  'mcp.revoke': { input: () => ({ server: 'files' }) },
  'runner.leave': { input: ({ runnerId }) => ({ runnerId, instance: INSTANCE }) },
  'runner.remove': { input: ({ runnerId }) => ({ runnerId }) },
};
const nameOf = (stop: string): string => stop.split('#')[0]!;

const PROCEDURES = new Map(
  Object.entries(appRouter._def.procedures).map(([name, procedure]) => [
    name,
    (procedure as unknown as { _def: { type: 'query' | 'mutation' | 'subscription' } })._def.type,
  ]),
);
const ROUTES = new Map(restRoutes().map((route) => [route.procedure, route]));

let product: Fixture;
beforeAll(async () => {
  product = await startFixture({
    worker: true,
    settings: {
      credentials: {
        login: { strategy: 'command', command: 'true' },
        // Nothing can be kept here: the login fails at once.
        person: {
          ...{ strategy: 'oauth2-refresh', clientIdEnv: 'ID' },
          tokenUrl: 'https://login.example.com/token',
          deviceAuthorizationUrl: 'https://login.example.com/device',
        },
      },
      mcpServers: { files: mcpServerSchema.parse({ command: 'files' }) },
    },
    secrets: { PATH: process.env['PATH'] ?? '' },
  });
  await product.journal.mcpManifests.observe('files', MANIFEST);
});
afterAll(() => product[Symbol.asyncDispose]());

type Ask = (name: string, input: Json | undefined) => Promise<Json>;

const overTrpc: Ask = async (name, input) => {
  const type = PROCEDURES.get(name)!;
  if (type === 'mutation') {
    const { status, body } = await product.send('POST', `/trpc/${name}`, { body: input ?? {} });
    expect(status, JSON.stringify(body)).toBe(200);
    return (body['result'] as { data: Json }).data;
  }
  const query = input ? `?input=${encodeURIComponent(JSON.stringify(input))}` : '';
  if (type === 'subscription') return firstOf(`${product.url}/trpc/${name}${query}`);
  const { status, body } = await product.send('GET', `/trpc/${name}${query}`);
  expect(status, JSON.stringify(body)).toBe(200);
  return (body['result'] as { data: Json }).data;
};

/** Of a subscription, what comes first after the greeting. */
async function firstOf(url: string): Promise<Json> {
  const response = await fetch(url);
  expect(response.status).toBe(200);
  let text = '';
  for await (const chunk of response.body!) {
    text += Buffer.from(chunk as Uint8Array).toString();
    const data = /^data: (\{.+\})$/m.exec(text.replace(/^event: connected\ndata: .*$/m, ''));
    if (data) return JSON.parse(data[1]!) as Json;
  }
  throw new Error(`the stream ended: ${text}`);
}

/** Path, query and body from the same input that tRPC takes. */
const overRest: Ask = async (name, input = {}) => {
  const { method, path, status, bodyless } = ROUTES.get(name)!;
  const inPath = [...path.matchAll(/:(\w+)/g)].map(([, field]) => field!);
  const rest = Object.entries(input).filter(([field]) => !inPath.includes(field));
  const url = path.replaceAll(/:(\w+)/g, (_, field: string) => String(input[field]));
  const query = new URLSearchParams(
    Object.fromEntries(rest.map(([field, value]) => [field, String(value)])),
  );
  const answer = bodyless
    ? await product.send(String(method), `${url}?${query.toString()}`)
    : await product.send(String(method), url, { body: Object.fromEntries(rest) });
  expect(answer.status, JSON.stringify(answer.body)).toBe(status);
  return answer.body;
};

describe.each([
  ['tRPC', overTrpc, [...PROCEDURES.keys()]],
  ['REST', overRest, [...ROUTES.keys()]],
] as const)('over %s', (_, ask, names) => {
  test('every procedure is called and answers', async () => {
    const answered = new Set<string>();
    let seen: Seen = {};
    for (const [stop, { input, keep = () => ({}) }] of Object.entries(TOUR)) {
      const name = nameOf(stop);
      // What has no REST form is asked as tRPC, because later stops need its answer.
      const has = names.includes(name);
      const kept = await eventually(
        async () => keep(await (has ? ask : overTrpc)(name, input?.(seen))),
        (found) => found !== undefined,
      );
      seen = { ...seen, ...kept };
      if (has) answered.add(name);
    }
    expect([...answered].toSorted()).toEqual([...names].toSorted());
  });
});
