/** `command`: a program's own login check. No shell, only the variables that are named, and nothing of it is left afterwards. */
import { spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { linearPattern } from '../../../contracts/patterns.ts';
import { AuthFailure } from '../failure.ts';
import type { SecretLookup, Sought, StrategyParts } from './strategy.ts';

/** What a pattern is looked for in; a check says a line or two. */
const MAX_OUTPUT_BYTES = 65_536;

interface Ended {
  readonly code: number | null;
  readonly killedBy: NodeJS.Signals | null;
  readonly output: string;
}

/** @throws {AuthFailure} where nobody is signed in, or the program cannot be run */
export async function checkCommand({ secrets }: StrategyParts, sought: Sought): Promise<void> {
  const { command, successCodes, retryCodes, successPattern } = sought.credential;
  const { code, killedBy, output } = await run(sought, secrets);
  sought.signal.throwIfAborted();
  // What it printed is not repeated: it may be anybody's name or token.
  const said = code === null ? `was ended by ${killedBy}` : `ended with ${code}`;
  if (code === null || retryCodes.includes(code))
    throw new AuthFailure('provider_error', `${command} ${said}`);
  if (!successCodes.includes(code))
    throw new AuthFailure('invalid_credentials', `${command} ${said}: nobody is signed in`);
  if (successPattern !== undefined && !linearPattern(successPattern).test(output))
    throw new AuthFailure(
      'invalid_credentials',
      `the output of ${command} does not match successPattern: nobody is signed in`,
    );
}

function run({ credential, signal }: Sought, secrets: SecretLookup): Promise<Ended> {
  const { command = '', args, env } = credential;
  const { promise, resolve, reject } = Promise.withResolvers<Ended>();
  const child = spawn(command, args, {
    cwd: tmpdir(),
    env: Object.fromEntries(env.map((name) => [name, secrets(name)])),
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own, so that what it starts ends with it.
    detached: true,
  });
  let output = '';
  const take = (chunk: Buffer): void => {
    if (output.length < MAX_OUTPUT_BYTES) output += chunk.toString();
  };
  child.stdout.on('data', take);
  child.stderr.on('data', take);
  const end = (): void => killGroup(child.pid);
  signal.addEventListener('abort', end, { once: true });
  if (signal.aborted) end();
  child.on('error', (error: NodeJS.ErrnoException) => reject(notRunning(command, error)));
  child.on('exit', end);
  child.on('close', (code, killedBy) => resolve({ code, killedBy, output }));
  return promise.finally(() => signal.removeEventListener('abort', end));
}

const notRunning = (command: string, error: NodeJS.ErrnoException): AuthFailure =>
  new AuthFailure(
    'misconfigured',
    error.code === 'ENOENT'
      ? `there is no program ${command} on the worker's PATH`
      : `${command} cannot be run: ${error.message}`,
    { cause: error },
  );

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // Nobody of it is left.
  }
}
