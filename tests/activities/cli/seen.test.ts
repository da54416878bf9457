/** What real programs printed (tests/support/programs/seen), read by the presets; and the scripted ones beside it, which print nothing else (D4). */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { answerReader } from '../../../activities/cli/answer-reader.ts';
import { parseLine } from '../../../activities/cli/json-line.ts';
import type { Line } from '../../../activities/cli/json-line.ts';
import type { CliPreset } from '../../../contracts/cli-providers.ts';
import { described, presetInput } from '../../support/programs/described.ts';

const SEEN = new URL('../../support/programs/seen/', import.meta.url);

const linesOf = (text: string): string[] => text.split('\n').filter((line) => line !== '');
const recording = (name: string): string[] =>
  linesOf(readFileSync(new URL(`${name}.jsonl`, SEEN), 'utf8'));

/** One answer of the recording, to its end. */
function read(preset: CliPreset, lines: readonly string[]) {
  const reader = answerReader(described(presetInput(preset)), '');
  const said = lines.flatMap((line) => (reader.understood.done ? [] : reader.push(`${line}\n`)));
  said.push(...reader.end());
  const of = (kind: string): string =>
    said.flatMap((piece) => (piece.kind === kind ? [piece.text] : [])).join('');
  return { text: of('text'), reasoning: of('reasoning'), aside: of('aside'), ...reader.understood };
}

/** The recording's answers, cut behind each result. */
function answers(name: string): string[][] {
  const all: string[][] = [[]];
  for (const line of recording(name)) {
    all.at(-1)?.push(line);
    if (parseLine(line)?.['type'] === 'result') all.push([]);
  }
  return all.filter((lines) => lines.length > 0);
}

const tokens = (inputTokens: number, outputTokens: number) => ({
  usage: { inputTokens, outputTokens },
});

test('claude 2.1.197: text, thoughts, tools, an interrupt, a sub-agent, a retry and a refusal in one process', () => {
  const [first, thought, tool, interrupted, after, agent, retried, refused] = answers('claude').map(
    (lines) => read('claude', lines),
  );
  expect(first).toMatchObject({
    text: 'one-1 one-2 one-3 ',
    aside: '',
    done: true,
    error: undefined,
    conversation: expect.stringMatching(/^[0-9a-f-]{36}$/),
    used: { ...tokens(21_214, 3), costUsd: 0.108915 },
  });
  expect(thought).toMatchObject({ text: 'It is so.', reasoning: 'well now' });
  expect(tool).toMatchObject({ text: 'three-1 three-2 three-3 ', used: tokens(42_672, 3) });
  expect(interrupted).toMatchObject({ done: true, text: expect.stringMatching(/^four-1 four-2/) });
  expect(interrupted?.error).toBeDefined();
  expect(after).toMatchObject({ text: 'five-1 five-2 five-3 ', error: undefined });
  // What a sub-agent said is a tool's result.
  expect(agent?.text).toBe('seven-1 seven-2 ');
  expect(retried).toMatchObject({ text: 'token-1 token-2 token-3 ', error: undefined });
  expect(refused).toMatchObject({ text: '', error: 'API Error: 400 prompt is odd', done: true });
});

test('claude 2.1.197: a resumed conversation keeps its id, and its cost begins anew', () => {
  const [first] = answers('claude');
  const resumed = read('claude', recording('claude-resumed'));
  expect(resumed.conversation).toBe(read('claude', first ?? []).conversation);
  expect(resumed.used?.costUsd).toBeLessThan(0.2);
  const unknown = read('claude', recording('claude-unknown'));
  expect(unknown).toMatchObject({
    done: true,
    error: expect.stringContaining('No conversation found'),
  });
});

test('codex 0.171.0: a thread over several processes, whose usage is the sum of all of them', () => {
  const first = read('codex', recording('codex'));
  const second = read('codex', recording('codex-resumed'));
  expect(first).toMatchObject({ text: 'one-1 one-2 one-3 ', used: tokens(10_069, 3), aside: '' });
  expect(second).toMatchObject({ text: 'two-1 two-2 two-3 ', used: tokens(30_467, 6) });
  expect(second.conversation).toBe(first.conversation);
  expect(read('codex', recording('codex-reasoning'))).toMatchObject({
    text: 'so it is',
    reasoning: '**Weighing** it',
  });
});

test('codex 0.171.0: what it tries again is no failure, what it gives up is; an interrupt leaves no word', () => {
  for (const name of ['codex-refused', 'codex-retried'])
    expect(read('codex', recording(name))).toMatchObject({ error: undefined });
  expect(read('codex', recording('codex-failed')).error).toContain('401 Unauthorized');
  expect(read('codex', recording('codex-interrupted'))).toMatchObject({
    text: '',
    used: undefined,
  });
});

test('gemini 0.61.0: pieces, tools, a refusal, and an interrupt that ends without a result', () => {
  const first = read('gemini', recording('gemini'));
  expect(first).toMatchObject({ text: 'one-1 one-2 one-3 ', done: true, used: tokens(9_720, 3) });
  const second = read('gemini', recording('gemini-resumed'));
  // Of this process alone.
  expect(second).toMatchObject({ text: 'two-1 two-2 two-3 ', used: tokens(19_647, 3) });
  expect(second.conversation).toBe(first.conversation);
  expect(read('gemini', recording('gemini-reasoning')).text).toBe('It is so.');
  expect(read('gemini', recording('gemini-refused')).error).toContain('no such key');
  expect(read('gemini', recording('gemini-interrupted'))).toMatchObject({ done: false });
});

const KINDS = ['type', 'subtype', 'role', 'status'];

/** What tells a line's kind, and where which type of value stands in it. */
function shapeOf(line: Line): { kind: string; paths: string[] } {
  const named = (value: unknown): unknown[] =>
    typeof value === 'object' && value !== null
      ? KINDS.map((name) => (value as Line)[name] ?? '')
      : [];
  const { item, event } = line;
  const inner = (event ?? {}) as Line;
  const kind = [line, item, inner, inner['delta'], inner['content_block']].flatMap(named).join(' ');
  return { kind, paths: pathsIn(line) };
}

const pathsIn = (value: unknown, at = ''): string[] =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.entries(value).flatMap(([key, inner]) => pathsIn(inner, `${at}.${key}`))
    : [`${at}: ${Array.isArray(value) ? 'list' : typeof value}`];

async function seenShapes(preset: CliPreset): Promise<Map<string, Set<string>>> {
  const shapes = new Map<string, Set<string>>();
  const files = (await readdir(SEEN)).filter((file) => file.startsWith(preset));
  for (const line of files.flatMap((file) => recording(file.replace('.jsonl', '')))) {
    const { kind, paths } = shapeOf(parseLine(line) ?? {});
    shapes.set(kind, new Set([...(shapes.get(kind) ?? []), ...paths]));
  }
  return shapes;
}

function printed(preset: CliPreset, input: string): Promise<string> {
  const { command = '', args = [] } = presetInput(preset);
  return new Promise((resolve) => {
    const child = execFile(command, args, (_, stdout) => resolve(stdout));
    child.stdin?.end(input);
  });
}

const asClaude = (text: string): string =>
  `${JSON.stringify({ type: 'user', message: { role: 'user', content: [{ type: 'text', text }] } })}\n`;

test.for([
  ['claude', ['hello', 'fail', 'refuse', 'whole'].map(asClaude)],
  ['codex', ['hello', 'fail', 'retry']],
  ['gemini', ['hello', 'fail']],
] as const)(
  'the scripted %s prints only what the real one was seen to print',
  async ([preset, inputs]) => {
    const shapes = await seenShapes(preset);
    const texts = await Promise.all(inputs.map((input) => printed(preset, input)));
    const lines = texts
      .flatMap(linesOf)
      .map(parseLine)
      .filter((line) => line !== undefined);
    expect(lines.length).toBeGreaterThan(10);
    // Pieces of sub-agents are of older versions.
    for (const line of lines.filter((each) => each['parent_tool_use_id'] !== 'toolu_1')) {
      const { kind, paths } = shapeOf(line);
      const unseen = paths.filter((path) => !shapes.get(kind)?.has(path));
      expect([kind, ...unseen]).toEqual([kind]);
    }
  },
);
