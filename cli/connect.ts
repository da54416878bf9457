/** A client for the command line, and what a person is told when the API does not answer as hoped. */
import { createPerdureClient, NetworkError, PerdureError } from '../client/index.ts';
import type { PerdureClient } from '../client/index.ts';
import { clientEnvironment } from '../config/client-environment.ts';
import { ERRORS } from '../contracts/errors.ts';
import type { ErrorCode } from '../contracts/errors.ts';
import { isHttpUrl } from './connection-options.ts';
import type { ConnectOptions } from './connection-options.ts';
import { CommandFailed, EXIT } from './exit-codes.ts';
import type { ExitCode } from './exit-codes.ts';
import { endWithReader } from './output.ts';

/**
 * @param retryForMs how long a call waits for an API that does not answer
 * @param timeoutMs how long one answer may take; the client's own limit where absent
 */
export function connect(
  options: ConnectOptions,
  retryForMs: number,
  timeoutMs?: number,
): PerdureClient {
  const url = usableUrl(options);
  const key = usableKey(options);
  return createPerdureClient({ url, key, retryForMs, ...(timeoutMs && { timeoutMs }) });
}

/** @throws {CommandFailed} */
export function usableUrl(options: ConnectOptions): string {
  const url = apiUrl(options);
  if (isHttpUrl(url)) return url;
  throw new CommandFailed(
    `PERDURE_URL is "${url}": expected a URL such as http://127.0.0.1:7400.`,
    EXIT.settings,
  );
}

/** Never printed: it may be a real one with something before or behind it. @throws {CommandFailed} */
export function usableKey({ key: given }: ConnectOptions): string | undefined {
  const key = given?.trim() ?? clientEnvironment(process.env).key;
  if (key === undefined || /^[\x21-\x7e]+$/.test(key)) return key;
  throw new CommandFailed(
    `${given === undefined ? 'PERDURE_KEY' : '--key'} is no key: expected what \`perdure keys create\` printed.`,
    given === undefined ? EXIT.settings : EXIT.usage,
  );
}

export const apiUrl = ({ url }: ConnectOptions): string =>
  url ?? clientEnvironment(process.env).url;

const EXIT_OF: Partial<Record<ErrorCode, ExitCode>> = {
  invalid_id: EXIT.usage,
  invalid_input: EXIT.usage,
  not_found: EXIT.notFound,
  engine_unavailable: EXIT.unavailable,
  journal_unavailable: EXIT.unavailable,
  worker_unavailable: EXIT.unavailable,
};

/** Client errors → what went wrong, what to do next, and the exit code: the one place for it. */
export function explained(error: unknown): CommandFailed | undefined {
  if (error instanceof PerdureError) {
    const text = `${error.message}\n${ERRORS[error.code].advice} (${error.code})`;
    return new CommandFailed(text, EXIT_OF[error.code] ?? EXIT.failure);
  }
  if (!(error instanceof NetworkError)) return undefined;
  const next =
    error.kind === 'protocol'
      ? 'Is this the address of a Perdure API? Give another with --url or PERDURE_URL.'
      : 'Start Perdure with `npm start`, or give the address of a running one with --url or PERDURE_URL.';
  return new CommandFailed(`${error.message}\n${next}`, EXIT.unavailable);
}

/** Runs a client command; its errors are explained. */
export async function explaining(work: () => Promise<void>): Promise<void> {
  endWithReader();
  try {
    await work();
  } catch (error) {
    throw explained(error) ?? error;
  }
}
