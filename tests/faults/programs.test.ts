/** Sessions of programs on the whole product, and what becomes of them when a process is killed (D4). */
import { readdirSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import type { EventOf, EventType, PerdureEvent } from '../../contracts/events.ts';
import type { MessageId, SessionId } from '../../contracts/ids.ts';
import { jsonLines, perdure } from '../cli/command.ts';
import { startCluster } from '../support/cluster.ts';
import type { Cluster } from '../support/cluster.ts';
import { BASH, counting, presetInput } from '../support/programs/described.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { postJson, startSession, watch } from '../support/watcher.ts';
import type { Watcher } from '../support/watcher.ts';

vi.setConfig({ testTimeout: 480_000 });

interface Options {
  readonly timeouts?: object;
  readonly timeoutMs?: number;
  readonly file?: string;
}

const startPrograms = ({ timeouts, timeoutMs, file }: Options = {}): Promise<Cluster> =>
  startCluster({
    settings: {
      agents: {
        assistant: { tools: [] },
        shell: { engine: { cli: 'shell' } },
        counter: { engine: { cli: 'counter' } },
        thread: { engine: { cli: 'thread' } },
      },
      cliProviders: {
        shell: { ...BASH, ...(timeoutMs === undefined ? {} : { timeoutMs }) },
        counter: counting(file),
        thread: { ...presetInput('codex'), env: ['HOME'] },
      },
      timeouts: { heartbeatMs: 6_000, heartbeatThrottleMs: 500, ...timeouts },
      worker: { drainMs: 1_000 },
    },
  });

const of = <T extends EventType>({ events }: Watcher, type: T): EventOf<T>['data'][] =>
  events.flatMap((event) => (event.type === type ? [event.data as EventOf<T>['data']] : []));

const has =
  (type: EventType, state?: string) =>
  (events: readonly PerdureEvent[]): boolean =>
    events.some(
      (event) => event.type === type && (!state || JSON.stringify(event.data).includes(state)),
    );

async function open(cluster: Cluster, agent: string): Promise<Watcher> {
  const sessionId: SessionId = await startSession(cluster.urls[0] ?? '', { agent });
  return watch(cluster.urls, sessionId);
}

/** A message that is answered. */
async function settle(session: Watcher, text: string): Promise<MessageId> {
  const sent = await session.send(text);
  expect(await session.settled(sent)).toMatchObject({ outcome: 'completed' });
  return sent;
}

const command = (cluster: Cluster, { sessionId }: Watcher, name: string): Promise<unknown> =>
  postJson(`${cluster.urls[0]}/api/sessions/${sessionId}/${name}`, {});

/** As the workflow itself says. */
async function liveState(cluster: Cluster, { sessionId }: Watcher): Promise<unknown> {
  const response = await fetch(`${cluster.urls[0]}/api/sessions/${sessionId}?live=true`);
  const body = (await response.json()) as { live?: { state?: string } | null };
  return body.live?.state;
}

/** Directories of programs that are there. */
function directories({ folder }: Cluster): string[] {
  const root = join(folder, 'home', 'cli');
  return readdirSync(root)
    .flatMap((name) => readdirSync(join(root, name)))
    .filter((name) => name !== 'owner.json');
}

const lives = (pid: string): boolean => {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid.trim()}/status`, 'utf8'));
  } catch {
    return false;
  }
};

test('a program answers over the API as a model does; an interrupt keeps what came; a stop leaves nothing', async () => {
  await using cluster = await startPrograms();
  await using session = await open(cluster, 'shell');
  await session.until('READY', has('program.state', 'ready'));
  const first = await session.send('x=41; echo $$; echo warned >&2');
  const settled = await session.settled(first);
  expect(settled.outcome).toBe('completed');
  const pid = session.text(first);
  expect(lives(pid)).toBe(true);
  expect(of(session, 'command.output')).toEqual([{ stream: 'stderr', text: 'warned\n' }]);
  expect(of(session, 'model.started')[0]).toEqual({ provider: 'shell', model: 'shell' });

  const second = await session.send('(echo begun; exec sleep 100); echo never');
  await session.until('its beginning', () => session.text(second).startsWith('begun'));
  await command(cluster, session, 'interrupt');
  expect((await session.settled(second)).outcome).toBe('interrupted');
  const third = await session.send('echo $((x + 1))');
  await session.settled(third);
  expect(session.text(third)).toBe('42\n');

  const { transcript } = (await (
    await fetch(`${cluster.urls[0]}/api/sessions/${session.sessionId}/transcript`)
  ).json()) as { transcript?: unknown };
  expect(JSON.stringify(transcript ?? '')).not.toContain('never');
  await command(cluster, session, 'stop');
  await session.until('TERMINATED', has('program.state', 'terminated'));
  await vi.waitFor(() => expect(lives(pid)).toBe(false));
  expect(directories(cluster)).toEqual([]);
});

test('kill -9 of the worker in mid-command: the turn is lost and says so, nothing was sent twice, the next message starts anew', async () => {
  await using folder = await temporaryFolder();
  const file = join(folder.path, 'sent.txt');
  await using cluster = await startPrograms({ file });
  await using session = await open(cluster, 'counter');
  const asked = await session.send('hold');
  await session.until('a piece', () => session.text(asked) === 'got hold');

  await cluster.apis[0]?.kill();
  await cluster.apis[0]?.start();

  const lost = await session.settled(asked);
  expect(lost).toMatchObject({
    outcome: 'failed',
    error: { code: 'runner_lost', retryable: true },
  });
  expect(session.text(asked)).toBe('got hold');
  const next = await session.send('again');
  expect((await session.settled(next)).outcome).toBe('completed');
  expect(await readFile(file, 'utf8')).toBe('hold\nagain\n');
  expect(of(session, 'program.state')).toMatchObject([
    { state: 'ready' },
    { state: 'terminated', reason: 'lost' },
    { state: 'ready' },
  ]);
  // What the killed worker left is gone too: only the new program's is there.
  expect(directories(cluster)).toHaveLength(1);
});

test('a message to a program whose worker was killed meanwhile says so after 10 s, and the one after it is answered', async () => {
  await using cluster = await startPrograms();
  await using session = await open(cluster, 'shell');
  await session.settled(await session.send('echo before'));
  // The journal knows of the end first: a workflow that does not would take the kill for the end of this turn's program, and start another.
  await vi.waitFor(async () => expect(await liveState(cluster, session)).toBe('waiting'), {
    timeout: 60_000,
  });
  await cluster.apis[0]?.kill();
  await cluster.apis[0]?.start();
  const lost = await session.settled(await session.send('echo lost'));
  expect(lost.error).toMatchObject({ code: 'runner_lost' });
  const next = await session.send('echo after');
  await session.settled(next);
  expect(session.text(next)).toBe('after\n');
});

test('a worker that is told to stop ends its programs in good order: no message is lost, and what can go on goes on', async () => {
  await using cluster = await startPrograms();
  await using shell = await open(cluster, 'shell');
  await using thread = await open(cluster, 'thread');
  const pid = shell.text(await settle(shell, 'x=1; echo $$'));
  expect(thread.text(await settle(thread, 'hello'))).toContain('A new thread.');

  await cluster.apis[0]?.drain();
  expect(lives(pid)).toBe(false);
  await cluster.apis[0]?.start();

  expect(shell.text(await settle(shell, 'echo "x=$x"'))).toBe('x=\n');
  expect(thread.text(await settle(thread, 'again'))).toMatch(/Resumed [0-9a-f-]{36}/);
  for (const session of [shell, thread])
    expect(of(session, 'program.state')).toMatchObject([
      { state: 'ready' },
      { state: 'terminated', reason: 'drained' },
      { state: 'ready' },
    ]);
  // The thread's sum, which it says, is not taken for what the second message took.
  expect(of(thread, 'usage.recorded').map(({ usage }) => usage.inputTokens)).toEqual([100, 100]);
});

test('a program that takes too long, and one that dies, fail their turns; the session goes on', async () => {
  await using cluster = await startPrograms({ timeoutMs: 1_500 });
  await using session = await open(cluster, 'shell');
  const slow = await session.send('echo begun; sleep 100');
  expect(await session.settled(slow)).toMatchObject({
    outcome: 'failed',
    error: { code: 'tool_timeout' },
  });
  expect(session.text(slow)).toContain('begun');
  const dead = await session.send('echo begun; kill -9 $$');
  expect((await session.settled(dead)).error).toMatchObject({ code: 'runner_lost' });
  const next = await session.send('echo fine');
  await session.settled(next);
  expect(session.text(next)).toBe('fine\n');
});

test('idle ends the program with its session, and a reopened one has a program of its own', async () => {
  const timeouts = { sessionIdleMs: 3_000, sessionWarningMs: 1_000 };
  await using cluster = await startPrograms({ timeouts });
  await using session = await open(cluster, 'shell');
  const first = await session.send('x=1; echo $$');
  await session.settled(first);
  await session.until('the end', has('session.ended', 'idle'));
  await session.until('TERMINATED', has('program.state', 'terminated'));
  await vi.waitFor(() => expect(lives(session.text(first))).toBe(false));
  expect(directories(cluster)).toEqual([]);
  const again = await session.send('echo "x=$x"', { reopen: true });
  await session.settled(again);
  expect(session.text(again)).toBe('x=\n');
});

test('perdure chat talks to an agent that is a program, and doctor says whether the program is there', async () => {
  await using cluster = await startPrograms();
  const env = { PERDURE_URL: cluster.urls[0] ?? '' };
  const input = 'echo "from $((40 + 2))"\n';
  const chat = await perdure(['chat', '--agent', 'shell'], { env, input });
  expect(chat.err).toContain('model: shell');
  expect(chat.out).toContain('from 42');

  const settings = { PERDURE_CONFIG: join(cluster.folder, 'perdure.yaml') };
  const { out } = await perdure(['doctor', '--json'], { env: settings });
  const findings = jsonLines(out) as { check: string; status: string }[];
  expect(findings.filter(({ check }) => check.startsWith('program '))).toMatchObject([
    { check: 'program shell', status: 'ok' },
    { check: 'program counter', status: 'ok' },
    { check: 'program thread', status: 'ok' },
  ]);
});

test('a session of a program is not asked for a model or tools, which would have no effect', async () => {
  await using cluster = await startPrograms();
  const url = `${cluster.urls[0]}/api`;
  const { agents } = (await (await fetch(`${url}/agents`)).json()) as { agents: object[] };
  expect(agents).toContainEqual(expect.objectContaining({ name: 'shell', model: 'shell' }));
  for (const [field, value] of Object.entries({ model: 'fake', tools: [] })) {
    const refused = await fetch(`${url}/sessions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ agent: 'shell', [field]: value }),
    });
    const body = (await refused.json()) as { code: string; detail: string };
    expect([refused.status, body.code]).toEqual([400, 'invalid_input']);
    expect(body.detail).toContain(`"${field}"`);
  }
});
