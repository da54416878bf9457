/** `perdure auth login`: shows a person where to sign in, and waits. Perdure itself asks the provider, so that no token comes here. */
import type { PerdureClient } from '../../client/index.ts';
import { CommandFailed, EXIT } from '../exit-codes.ts';
import { printable } from '../format.ts';
import { printJson } from '../json-output.ts';
import { withClient } from '../one-command.ts';
import { toMinute } from '../times.ts';
import type { ListOptions } from './run.ts';

export interface LoginOptions extends ListOptions {
  readonly anew?: true;
}

/** A provider that takes its time, and a login of before that is ended first. Somebody who waits wants to hear at once that nothing answers. */
const BEGINNING = { retryForMs: 2_000, timeoutMs: 120_000 };
/** The login goes on without an API: one that is restarted is waited for. */
const WAITING = { retryForMs: 120_000, timeoutMs: 30_000 };
const ENDING = { retryForMs: 0, timeoutMs: 60_000 };
const WAIT = '10s';
const STOP_SIGNALS = ['SIGINT', 'SIGTERM'] as const;

type Login = Awaited<ReturnType<PerdureClient['trpc']['credential']['login']['mutate']>>;
type Ref = Pick<Login, 'loginId'> & { readonly name: string };

export async function login(name: string, options: LoginOptions): Promise<void> {
  const stop = new AbortController();
  const onSignal = (): void => stop.abort();
  // A second one ends the process as it always does.
  for (const signal of STOP_SIGNALS) process.once(signal, onSignal);
  try {
    const begun = await beginLogin(name, options);
    if (options.json) printJson(begun);
    else if (begun.code) console.log(instructions(begun.code));
    const { loginId, state } = begun;
    if (state !== 'waiting') return tell(begun, options);
    const ended = await untilEnded({ name, loginId }, options, stop.signal);
    if (options.json) printJson(ended);
    tell(ended, options);
  } finally {
    for (const signal of STOP_SIGNALS) process.off(signal, onSignal);
  }
}

/** A call with a patience of its own. */
async function answered<T>(
  options: LoginOptions,
  patience: typeof BEGINNING,
  ask: (client: PerdureClient) => Promise<T>,
): Promise<T> {
  const answers: T[] = [];
  await withClient(options, async (client) => void answers.push(await ask(client)), patience);
  return answers[0]!;
}

const beginLogin = (name: string, options: LoginOptions): Promise<Login> =>
  answered(options, BEGINNING, (client) =>
    client.call((trpc, call) =>
      trpc.credential.login.mutate({ name, anew: options.anew === true }, call),
    ),
  );

function instructions({
  userCode,
  verificationUri,
  verificationUriComplete: complete,
  expiresAt,
}: NonNullable<Login['code']>): string {
  return [
    `Open ${printable(verificationUri)}`,
    `and enter the code ${printable(userCode)}`,
    ...(complete === undefined ? [] : [`or open ${printable(complete)}, which has it already.`]),
    `Waiting until ${toMinute(expiresAt)} UTC; Ctrl-C ends it.`,
  ].join('\n');
}

async function untilEnded(ref: Ref, options: LoginOptions, stop: AbortSignal): Promise<Login> {
  try {
    return await answered(options, WAITING, (client) => endOf(client, ref, stop));
  } catch (error) {
    if (!stop.aborted) throw error;
    return cancelled(ref, options);
  }
}

async function endOf(client: PerdureClient, ref: Ref, signal: AbortSignal): Promise<Login> {
  for (;;) {
    signal.throwIfAborted();
    const now = await client.call(
      (trpc, call) => trpc.credential.loginState.query({ ...ref, wait: WAIT }, call),
      signal,
    );
    if (now.state !== 'waiting') return now;
  }
}

/** The person may have decided at that very moment. */
async function cancelled(ref: Ref, options: LoginOptions): Promise<Login> {
  const ended = await answered(options, ENDING, (client) =>
    client.call((trpc, call) => trpc.credential.cancelLogin.mutate(ref, call)),
  ).catch((error: unknown) => {
    const reason = error instanceof Error ? error.message : String(error);
    throw new CommandFailed(
      `The login could not be ended, and goes on until its code expires: ${reason}`,
      EXIT.interrupted,
    );
  });
  if (ended.state !== 'cancelled') return ended;
  if (options.json) printJson(ended);
  throw new CommandFailed(`Ended; nobody is signed in for ${ref.name}.`, EXIT.interrupted);
}

function tell({ credential, state, message }: Login, { json }: LoginOptions): void {
  if (state !== 'succeeded')
    throw new CommandFailed(
      `Nobody is signed in for ${credential} (${state}): ${printable(message)}`,
    );
  if (!json) console.log(`${credential} is signed in; its token is kept by the workers.`);
}
