/** The protocols of claude, codex and gemini, spoken by scripted programs in real processes (D4). */
import { expect, test } from 'vitest';
import { presetInput, PROGRAM_FOLDERS } from '../../support/programs/described.ts';
import { ask, hostOf } from './started.ts';

test('claude: pieces become the text, thoughts the reasoning; sub-agents are left out; one process has the conversation', async () => {
  await using stage = await hostOf(presetInput('claude'));
  const program = await stage.start();
  const first = await ask(program, 'hello "you"\nthere');
  expect(first).toMatchObject({
    text: 'You said hello "you"\nthere in turn 1 of 11111111-2222-4333-8444-555555555555.',
    reasoning: 'hm',
    error: undefined,
    conversation: '11111111-2222-4333-8444-555555555555',
    used: {
      usage: { inputTokens: 100, outputTokens: 5, cachedInputTokens: 70, reasoningTokens: 0 },
      costUsd: 0.25,
    },
  });
  const second = await ask(program, 'again');
  expect(second.text).toContain('in turn 2');
  // What it says is the sum of its process.
  expect(second.used?.costUsd).toBe(0.25);
});

test('claude: what it says at once is the answer where no piece came, and its failures are told in its words', async () => {
  await using stage = await hostOf(presetInput('claude'));
  const program = await stage.start();
  expect((await ask(program, 'whole')).text).toBe('said at once');
  expect(await ask(program, 'fail')).toMatchObject({ text: '', error: 'overloaded' });
  expect(await ask(program, 'refuse')).toMatchObject({ text: '', error: 'Invalid API key' });
  expect((await ask(program, 'still there?')).text).toContain('in turn 4');
});

test('claude: an interrupt ends the answer, and the same process takes the next message', async () => {
  await using stage = await hostOf(presetInput('claude'));
  const program = await stage.start();
  const person = new AbortController();
  const onText = (text: string): void => {
    if (text.includes('word')) person.abort(new Error('a person'));
  };
  await expect(ask(program, 'forever', { signal: person.signal, onText })).rejects.toThrow(
    'a person',
  );
  const next = await ask(program, 'next');
  expect(next.text).toMatch(/^You said next in turn 2/);
});

test('claude: instructions go with it, and a conversation goes on where its home is kept', async () => {
  const input = presetInput('claude');
  await using stage = await hostOf({ ...input, env: ['HOME'] });
  const program = await stage.start({ instructions: '--be brief', conversation: 'abc' });
  const { text, conversation } = await ask(program, 'x');
  expect(conversation).toBe('abc');
  expect(text).toBe('You said x in turn 1 of abc.\n\nTold: --be brief');

  await using own = await hostOf(input);
  const fresh = await own.start({ conversation: 'abc' });
  expect((await ask(fresh, 'x')).conversation).not.toBe('abc');
});

test('codex: one process a message goes on with the thread, and its sums become what each message took', async () => {
  await using stage = await hostOf(presetInput('codex'));
  const program = await stage.start();
  const first = await ask(program, '-1 as a message');
  expect(first).toMatchObject({
    text: 'You said -1 as a message.\n\nA new thread.',
    reasoning: 'thinking',
    aside: 'codex: warming up\n',
    used: { usage: { inputTokens: 100, cachedInputTokens: 40, outputTokens: 7 }, costUsd: 0 },
  });
  const second = await ask(program, 'again');
  expect(second.text).toBe(`You said again.\n\nResumed ${first.conversation}.`);
  expect(second.used?.usage).toMatchObject({ inputTokens: 100, outputTokens: 7 });
});

test('codex: a program that goes on with a thread counts from what was recorded of it', async () => {
  await using stage = await hostOf({ ...presetInput('codex'), env: ['HOME'] });
  const usage = { inputTokens: 300, cachedInputTokens: 120, outputTokens: 21, reasoningTokens: 0 };
  const program = await stage.start({ conversation: 'abc', used: { usage, costUsd: 0 } });
  const { text, used } = await ask(program, 'message 4');
  expect(text).toContain('Resumed abc.');
  expect(used?.usage).toEqual({
    ...usage,
    inputTokens: 100,
    cachedInputTokens: 40,
    outputTokens: 7,
  });

  // One that begins anew has its own sum.
  await using own = await hostOf(presetInput('codex'));
  const fresh = await own.start({ conversation: 'abc', used: { usage, costUsd: 0 } });
  expect((await ask(fresh, 'x')).used?.usage).toMatchObject({ inputTokens: 100, outputTokens: 7 });
});

test.for([
  ['bubblewrap', 'true'],
  ['none', 'false'],
] as const)(
  'codex: with sandbox %s it is told that it is confined: %s',
  async ([sandbox, told]) => {
    const input = { ...presetInput('codex'), sandbox, readOnly: PROGRAM_FOLDERS };
    await using stage = await hostOf(input);
    const program = await stage.start();
    expect((await ask(program, 'confined?')).text).toContain(`\n\n${told}\n\n`);
    expect((await ask(program, 'confined?')).text).toContain(`\n\n${told}\n\nResumed`);
  },
);

test('codex: only a failed turn is a failure; a process that just ends is a loss', async () => {
  await using stage = await hostOf(presetInput('codex'));
  const program = await stage.start();
  expect((await ask(program, 'fail')).error).toBe('stream disconnected before completion');
  expect(await ask(program, 'retry')).toMatchObject({ error: undefined });
  await expect(ask(program, 'die')).rejects.toMatchObject({
    code: 'runner_lost',
    message: expect.stringMatching(/exit code 7.*warming up/s),
  });
});

test('gemini: messages of the assistant are the answer, other lines are asides, its session goes on', async () => {
  await using stage = await hostOf(presetInput('gemini'));
  const program = await stage.start();
  const first = await ask(program, 'hello');
  expect(first).toMatchObject({
    text: 'You said hello.',
    aside: expect.stringContaining('Loaded cached credentials.\n'),
    used: { usage: { inputTokens: 20, cachedInputTokens: 4, outputTokens: 10 } },
  });
  expect((await ask(program, 'again')).text).toBe(`You said again in ${first.conversation}.`);
  expect((await ask(program, 'fail')).error).toBe('[API Error: quota exceeded]');
});

test('gemini: an answer that breaks off is none, also where its process ends as if all was well', async () => {
  await using stage = await hostOf(presetInput('gemini'));
  const program = await stage.start();
  await expect(ask(program, 'leave')).rejects.toMatchObject({ code: 'runner_lost' });
});

test('claude: a conversation that it does not know is a failure in its words', async () => {
  await using stage = await hostOf({ ...presetInput('claude'), env: ['HOME'] });
  const program = await stage.start({ conversation: 'unknown' });
  expect((await ask(program, 'x')).error).toMatch('No conversation found');
});
