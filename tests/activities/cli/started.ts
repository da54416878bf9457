/** Programs on a host of their own, and what they said. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ProgramHost } from '../../../activities/cli/host.ts';
import type { HostParts, NewProgram } from '../../../activities/cli/host.ts';
import type { Program, Reply } from '../../../activities/cli/program.ts';
import type { CliProviderInput } from '../../../contracts/cli-providers.ts';
import { newId } from '../../../contracts/ids.ts';
import { createLog } from '../../../telemetry/log.ts';
import { described } from '../../support/programs/described.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

export interface Heard extends Reply {
  readonly text: string;
  readonly reasoning: string;
  readonly aside: string;
}

export interface Stage extends AsyncDisposable {
  readonly home: string;
  readonly host: ProgramHost;
  start(over?: Partial<NewProgram>): Promise<Program>;
  /** Folders of programs that are there. */
  directories(): Promise<readonly string[]>;
}

export const env = { PATH: process.env['PATH'] ?? '', ANTHROPIC_API_KEY: 'sk-ant-1234567890' };

export async function hostOf(
  given: CliProviderInput,
  over: Partial<HostParts> = {},
): Promise<Stage> {
  await using started = new AsyncDisposableStack();
  const home = started.use(await temporaryFolder()).path;
  const host = started.use(
    await ProgramHost.open({
      providers: { it: described(given) },
      home,
      secrets: (name) => (env as Record<string, string>)[name],
      log: createLog({ level: 'silent', service: 'test' }),
      most: 200,
      ...over,
    }),
  );
  const kept = started.move();
  return {
    home,
    host,
    start: async (more = {}) => {
      const wanted: NewProgram = {
        ...{ sessionId: newId('ses'), provider: 'it', instructions: '', workspace: null },
        ...{ conversation: undefined, idleMs: 300_000 },
        ...more,
      };
      const { programId } = await host.start(wanted, new AbortController().signal);
      const program = host.find(programId);
      if (!program) throw new Error('it is not there');
      return program;
    },
    directories: async () => {
      const root = join(home, 'cli');
      const hosts = await readdir(root).catch(() => []);
      const inner = await Promise.all(hosts.map((name) => readdir(join(root, name))));
      return inner.flat().filter((name) => name !== 'owner.json');
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

export interface Asking {
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /** Told what has come so far. */
  readonly onText?: (text: string) => Promise<void> | void;
}

export async function ask(program: Program, message: string, asking: Asking = {}): Promise<Heard> {
  const said = { text: '', reasoning: '', aside: '' };
  const reply = await program.ask({
    message,
    timeoutMs: asking.timeoutMs ?? 30_000,
    signal: asking.signal ?? new AbortController().signal,
    sink: {
      onText: (kind, text) => {
        said[kind] += text;
        return asking.onText?.(said.text) ?? undefined;
      },
      onAside: (_, text) => {
        said.aside += text;
      },
    },
  });
  return { ...reply, ...said };
}
