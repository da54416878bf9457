/** The programs of one worker process, by their ids. All of them end with it. */
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import type { ProgramLeft, ProgramRef } from '../../contracts/activities.ts';
import type { CliProvider, CliProviders } from '../../contracts/cli-providers.ts';
import type { SessionId } from '../../contracts/ids.ts';
import { CLI_QUEUE_PREFIX } from '../../contracts/names.ts';
import { PerdureError } from '../../contracts/perdure-error.ts';
import type { SecretLookup } from '../model/providers.ts';
import { ownDirectory, remove, sweepDirectories } from './directory.ts';
import { FORGETTING, Use } from './forgotten.ts';
import type { ForgottenParts } from './forgotten.ts';
import type { Used } from './json-line.ts';
import { Program } from './program.ts';
import { secretsOf, spawner } from './spawner.ts';

export interface HostParts extends ForgottenParts {
  readonly providers: CliProviders;
  /** Perdure's data folder. */
  readonly home: string;
  readonly secrets: SecretLookup;
  /** Programs at once in this process. */
  readonly most: number;
}

/** For whom a program is started. */
export interface NewProgram {
  readonly sessionId: SessionId;
  /** Name under cliProviders. */
  readonly provider: string;
  readonly instructions: string;
  readonly workspace: string | null;
  /** Of an earlier program of this session. */
  readonly conversation: string | undefined;
  /** What the answers of that conversation took so far. */
  readonly used?: Used | undefined;
  readonly idleMs: number;
}

interface Kept {
  readonly program: Program;
  readonly sessionId: SessionId;
  readonly use: Use;
}

/** A session's program that was ended because its worker goes away. */
export interface Left extends ProgramLeft {
  readonly sessionId: SessionId;
}

export class ProgramHost implements AsyncDisposable {
  readonly queue = `${CLI_QUEUE_PREFIX}${randomUUID()}`;
  readonly #parts: HostParts;
  readonly #folder: string;
  readonly #kept = new Map<string, Kept>();
  /** Being started: they count too. */
  #starting = 0;
  #sweeping: NodeJS.Timeout | undefined;
  #closed = false;
  /** Told of each program that ends because this worker goes away. */
  #tell: ((left: Left) => Promise<void>) | undefined;
  readonly #leaving = new Set<Promise<void>>();

  private constructor(parts: HostParts, folder: string) {
    this.#parts = parts;
    this.#folder = folder;
  }

  /** Removes what killed workers left on this machine. */
  static async open(parts: HostParts): Promise<ProgramHost> {
    const swept = await sweepDirectories(parts.home);
    if (swept > 0) parts.log.info({ swept }, 'removed the directories of programs of dead workers');
    const name = randomUUID();
    return new ProgramHost(parts, await ownDirectory(parts.home, name));
  }

  get size(): number {
    return this.#kept.size;
  }

  /** @throws {PerdureError} `model_rejected`, `tool_denied` where it cannot be run here; `resource_exhausted` where no more can */
  async start(wanted: NewProgram, signal: AbortSignal): Promise<ProgramRef> {
    const { provider: name, sessionId, workspace, instructions, idleMs } = wanted;
    const provider = this.#described(name);
    if (this.#closed || this.#kept.size + this.#starting >= this.#parts.most) throw this.#full();
    this.#starting += 1;
    try {
      // A start that was tried again: the one before has nobody.
      await this.#terminateOf(sessionId);
      const programId = randomUUID();
      const directory = path.join(this.#folder, programId);
      const home = path.dirname(path.dirname(this.#folder));
      const place = { directory, workspace, home, secrets: this.#parts.secrets };
      const spawn = await spawner(name, provider, place);
      const goesOn = keepsConversations(provider) ? wanted.conversation : undefined;
      const used = goesOn === undefined ? undefined : wanted.used;
      const parts = { provider, instructions, directory, conversation: goesOn, used, spawn };
      const program = await Program.start(parts, signal);
      const use = new Use(this.#parts, sessionId);
      use.end(idleMs);
      this.#kept.set(programId, { program, sessionId, use });
      this.#beginSweeping();
      if (this.#closed) {
        await this.terminate(programId);
        throw this.#full();
      }
      const { queue } = this;
      return {
        provider: name,
        programId,
        queue,
        ...(goesOn === undefined ? {} : { resumed: true }),
      };
    } finally {
      this.#starting -= 1;
    }
  }

  find(programId: string): Program | undefined {
    return this.#kept.get(programId)?.program;
  }

  /** Values of the program's environment, which it may print. */
  secretsOf(provider: string): readonly string[] {
    return secretsOf(this.#described(provider), this.#parts.secrets);
  }

  /** It is not forgotten meanwhile. */
  inUse({ programId, idleMs }: { programId: string; idleMs: number }): Disposable {
    const kept = this.#kept.get(programId);
    kept?.use.begin();
    return {
      [Symbol.dispose]: () => {
        if (!kept) return;
        kept.use.end(idleMs);
        if (this.#tell) this.#leave(programId, kept);
      },
    };
  }

  /** Nothing where there is none with this id. Repeats wait for its end too. */
  async terminate(programId: string): Promise<void> {
    const kept = this.#kept.get(programId);
    if (!kept) return;
    await kept.program.terminate();
    this.#kept.delete(programId);
    if (this.#kept.size > 0) return;
    clearInterval(this.#sweeping);
    this.#sweeping = undefined;
  }

  /**
   * The worker goes away: starts no more programs, and ends those that wait for a message; the others end with their answers.
   *
   * @returns when those that waited are gone and their sessions told
   */
  async retire(tell: (left: Left) => Promise<void>): Promise<void> {
    this.#closed = true;
    this.#tell = tell;
    for (const [programId, kept] of this.#kept) if (!kept.use.busy) this.#leave(programId, kept);
    await this.#left();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    await this.#left();
    await Promise.all([...this.#kept.keys()].map((programId) => this.terminate(programId)));
    await remove(this.#folder);
  }

  #leave(programId: string, { program, sessionId }: Kept): void {
    const { conversation } = program;
    const leave = async (): Promise<void> => {
      await program.leave();
      await this.terminate(programId);
      await this.#tell?.({ sessionId, programId, conversation });
    };
    const leaving = leave().finally(() => this.#leaving.delete(leaving));
    this.#leaving.add(leaving);
  }

  async #left(): Promise<void> {
    await Promise.all(this.#leaving);
  }

  async #terminateOf(sessionId: SessionId): Promise<void> {
    for (const [programId, kept] of this.#kept)
      if (kept.sessionId === sessionId) await this.terminate(programId);
  }

  #beginSweeping(): void {
    const { log, forgetting } = this.#parts;
    const { everyMs } = { ...FORGETTING, ...forgetting };
    const sweep = (): Promise<void> =>
      this.#sweep().catch((error: unknown) => log.warn({ err: error }, 'sweep failed'));
    this.#sweeping ??= setInterval(() => void sweep(), everyMs).unref();
  }

  /** One after the other: each may be a question to Temporal. */
  async #sweep(): Promise<void> {
    for (const [programId, { use, sessionId }] of this.#kept) {
      if (!(await use.isForgotten())) continue;
      this.#parts.log.warn(
        { sessionId, programId },
        'a program that nobody asks any more is ended',
      );
      await this.terminate(programId);
    }
  }

  #described(name: string): CliProvider {
    const found = this.#parts.providers[name];
    if (found) return found;
    const known = Object.keys(this.#parts.providers).join(', ');
    throw new PerdureError(
      'model_rejected',
      `There is no program named "${name}" under cliProviders; there are: ${known}.`,
    );
  }

  #full(): PerdureError {
    return new PerdureError(
      'resource_exhausted',
      `This worker runs ${this.#parts.most} programs already: raise worker.cliSessions, or add a worker.`,
    );
  }
}

/** What it knows of a conversation lies in its home directory, which is its own, and gone with it, unless it was given the worker's. */
const keepsConversations = ({ sandbox, env, resumeArgs }: CliProvider): boolean =>
  resumeArgs !== undefined && sandbox === 'none' && env.includes('HOME');
