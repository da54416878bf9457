import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { AnswerSink } from '../../activities/model/answer-collector.ts';
import { classifyFailure } from '../../activities/model/failure.ts';
import { createModelResolver } from '../../activities/model/providers.ts';
import { streamAnswer } from '../../activities/model/stream-answer.ts';
import type { AnswerRequest, AskModel } from '../../activities/model/stream-answer.ts';
import { startModelThreads } from '../../activities/model/threads/model-threads.ts';
import type {
  ModelThreads,
  ModelThreadsOptions,
} from '../../activities/model/threads/model-threads.ts';
import { TIME_LIMITS } from '../../contracts/limits.ts';
import { startModelServer } from '../support/model-server.ts';
import type { ModelServer, ScriptedReply } from '../support/model-server.ts';
import { FAMILIES, familyOn } from './provider-families.ts';
import type { Family } from './provider-families.ts';
import { catalogueOf } from './stage.ts';

/** Collects what a sink is told. */
function listener(hold: () => Promise<void> | undefined = () => undefined) {
  const heard = { first: 0, text: '', sink: {} as AnswerSink };
  heard.sink = {
    onFirstPart: () => void (heard.first += 1),
    onText: (_, text) => {
      heard.text += text;
      return hold();
    },
  };
  return heard;
}

const never = () => new AbortController().signal;

describe.each(FAMILIES)('a thread that calls a provider of the family %s', (family) => {
  let server: ModelServer;
  let threads: ModelThreads;
  let request: (content: string) => AnswerRequest;

  beforeAll(async () => {
    server = await startModelServer();
    const parts = partsOf(server, family);
    threads = startModelThreads({ count: 1, ...parts });
    const model = createModelResolver(parts.catalogue, parts.secrets)('main');
    const tools = [{ name: 'look', description: 'Looks.', inputSchema: { type: 'object' } }];
    request = (content) => ({
      ...{ model, instructions: 'Be brief.', tools, maxOutputTokens: 4_096 },
      messages: [{ role: 'user', content }],
    });
  });
  beforeEach(() => server.reset());
  afterAll(async () => {
    await threads[Symbol.asyncDispose]();
    await server.close();
  });

  const options = { stop: never(), timeouts: TIME_LIMITS };
  const failure = (ask: AskModel, reply: ScriptedReply) => {
    server.script(reply);
    return ask(request('hi'), listener().sink, options).then(
      () => 'no failure',
      (error: unknown) => classifyFailure(error),
    );
  };

  it('says what the provider says, as this thread would', async () => {
    const reply = {
      text: 'I look.',
      reasoning: 'Hm.',
      toolCalls: [{ name: 'look', arguments: { at: 'it' } }],
      usage: { input: 100, output: 7, cached: 40 },
    };
    server.script(reply, reply);
    const here = listener();
    const there = listener();
    const answer = await threads.ask(request('hi'), there.sink, options);
    // Ids are the model's server's own, new for each answer.
    const withoutIds = (value: unknown): unknown =>
      JSON.parse(
        JSON.stringify(value).replaceAll(
          /"(?:toolCallId|id|itemId|signature)":"[^"]*"/g,
          '"id":""',
        ),
      );
    expect(withoutIds(answer)).toEqual(
      withoutIds(await streamAnswer(request('hi'), here.sink, options)),
    );
    expect(there).toMatchObject({ first: 1, text: here.text });
    expect(server.requests[0]?.body).toEqual(server.requests[1]?.body);
  });

  it.each<[string, ScriptedReply]>([
    ['an overload', { fault: { kind: 'status', status: 503, headers: { 'retry-after': '7' } } }],
    ['a wrong key', { fault: { kind: 'status', status: 401, message: 'invalid api key' } }],
    ['a cut', { text: 'a b c', fault: { kind: 'cut', after: 1 } }],
    ['a polite end', { text: 'a b c', fault: { kind: 'end', after: 1 } }],
    ['garbage', { text: 'a b c', fault: { kind: 'garbage', after: 1 } }],
    [
      'an error event',
      {
        text: 'a b',
        fault: { kind: 'error-event', after: 1, message: 'Slow', code: 'overloaded' },
      },
    ],
  ])('fails at %s as this thread would', async (_, reply) => {
    const there = await failure(threads.ask, reply);
    expect(there).toMatchObject({ code: expect.any(String) as string });
    expect(there).toEqual(await failure(streamAnswer, reply));
  });
});

function partsOf(server: ModelServer, family: Family) {
  const { secrets, ...input } = familyOn(server, family);
  return { catalogue: catalogueOf(input), secrets: (name: string) => secrets[name] };
}

async function compatible(over: Partial<ModelThreadsOptions> = {}) {
  const server = await startModelServer();
  const parts = partsOf(server, 'openai-compatible');
  const threads = startModelThreads({ count: 2, ...parts, ...over });
  const model = createModelResolver(parts.catalogue, parts.secrets)('main');
  const ask = (content: string, sink: AnswerSink, stop: AbortSignal = never()) =>
    threads.ask(
      {
        ...{ model, instructions: '', tools: [], maxOutputTokens: 4_096 },
        messages: [{ role: 'user', content }],
      },
      sink,
      { stop, timeouts: TIME_LIMITS },
    );
  const end = async () => {
    await threads[Symbol.asyncDispose]();
    await server.close();
  };
  return { server, ask, end, [Symbol.asyncDispose]: end };
}

const until = async (holds: () => boolean): Promise<void> => {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5));
};

it('a call that is stopped ends at once with the reason, and lets go of the provider', async () => {
  await using model = await compatible();
  const stop = new AbortController();
  const heard = listener();
  const asked = model.ask('tokens=1000 delay=20', heard.sink, stop.signal);
  await until(() => heard.text !== '');
  const reason = new Error('a person said so');
  stop.abort(reason);
  await expect(asked).rejects.toBe(reason);
  await until(() => model.server.requests[0]?.left === true);
  await expect(model.ask('hi', heard.sink, stop.signal)).rejects.toBe(reason);
  expect(model.server.requests).toHaveLength(1);
});

it('a listener that wants to wait holds the provider up, and loses nothing', async () => {
  await using model = await compatible({ count: 1 });
  const wait = Promise.withResolvers<void>();
  let held = true;
  const heard = listener(() => (held ? wait.promise : undefined));
  const tokens = 30_000;
  const asked = model.ask(`hold=1 tokens=${tokens} delay=0`, heard.sink);
  await until(() => heard.text !== '');
  // The one thread has read the hold before it answers this; then come 30,000 tokens, of which it reports the first.
  await model.ask('tokens=1', listener().sink);
  model.server.release();
  await until(() => heard.text.includes('-2 '));
  await model.ask('tokens=1', listener().sink);
  const heldAt = heard.text.length;
  held = false;
  wait.resolve();
  const answer = await asked;
  expect(answer.text.split(' ')).toHaveLength(tokens + 1);
  expect(heard.text).toBe(answer.text);
  expect(heldAt).toBeLessThan(100);
});

it('a listener that fails ends its call', async () => {
  await using model = await compatible();
  const failed = new Error('no room');
  const fail = (): never => {
    throw failed;
  };
  await expect(model.ask('tokens=1000 delay=20', listener(fail).sink)).rejects.toBe(failed);
  await until(() => model.server.requests[0]?.left === true);
});

it('a thread that dies fails its calls as a lost worker would, and another takes its place', async () => {
  await using model = await compatible({ entry: new URL('./dying-thread.ts', import.meta.url) });
  for (let call = 1; call <= 3; call++) {
    const error = await model.ask('hi', listener().sink).catch((caught: unknown) => caught);
    expect(classifyFailure(error)).toMatchObject({
      ...{ code: 'worker_unavailable', retryable: true, charged: false, outage: false },
      message: 'The thread that called the model ended: Error: out of order.',
    });
  }
});

it('the end of the threads ends the calls that are under way', async () => {
  await using model = await compatible();
  const heard = listener();
  const asked = model.ask('tokens=1000 delay=20', heard.sink).catch((caught: unknown) => caught);
  await until(() => heard.text !== '');
  await model.end();
  expect(classifyFailure(await asked)).toMatchObject({ code: 'worker_unavailable' });
});
