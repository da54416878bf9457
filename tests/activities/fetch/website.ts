/** Real servers on loopback addresses, and `fetch_url` with names that lead to them. */
import { createServer } from 'node:http';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fetchUrl } from '../../../activities/tools/fetch/fetch-url.ts';
import type { FetchInput } from '../../../activities/tools/fetch/fetch-url.ts';
import type { Resolve } from '../../../activities/tools/fetch/request.ts';
import type { FetchSettings } from '../../../contracts/tool-settings.ts';

export type Answer = (request: IncomingMessage, response: ServerResponse) => void;

export interface Website extends AsyncDisposable {
  readonly port: number;
  /** Paths that were asked for. */
  readonly asked: string[];
}

/** @param address one of 127.0.0.0/8, all of which are this machine */
export async function openWebsite(
  answer: Answer,
  { address = '127.0.0.1', port = 0 }: { address?: string; port?: number } = {},
): Promise<Website> {
  const asked: string[] = [];
  const listener: RequestListener = (request, response) => {
    asked.push(request.url ?? '');
    answer(request, response);
  };
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(port, address, resolve));
  return {
    port: (server.address() as AddressInfo).port,
    asked,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** `public.test` counts as public by the rules; each other name leads where the list says, one entry a question. */
export function resolving(names: Readonly<Record<string, readonly string[]>>): Resolve & {
  readonly questions: string[];
} {
  const questions: string[] = [];
  const resolve = async (host: string) => {
    const answers = names[host] ?? [host];
    const at = Math.min(questions.filter((each) => each === host).length, answers.length - 1);
    questions.push(host);
    return (answers[at] ?? '')
      .split(' ')
      .map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
  };
  return Object.assign(resolve, { questions });
}

interface Asked {
  readonly settings?: Partial<FetchSettings>;
  readonly resolve?: Resolve;
  readonly signal?: AbortSignal;
}

const SETTINGS: FetchSettings = {
  allowHosts: [],
  denyHosts: [],
  privateHosts: ['public.test'],
  ports: [80, 443],
  maxBytes: 1024 * 1024,
  headersMs: 20_000,
  totalMs: 30_000,
};

export const fetching = (
  input: FetchInput,
  { settings, resolve = resolving({ 'public.test': ['127.0.0.1'] }), signal }: Asked = {},
): Promise<string> =>
  fetchUrl(input, {
    settings: { ...SETTINGS, ...settings },
    resolve,
    signal: signal ?? new AbortController().signal,
  });

export const saying =
  (
    body: string | Buffer,
    headers: Record<string, string> = { 'content-type': 'text/plain' },
  ): Answer =>
  (_, response) =>
    response.writeHead(200, headers).end(body);

export const redirecting =
  (to: (path: string) => string | undefined): Answer =>
  (request, response) => {
    const location = to(request.url ?? '');
    if (location === undefined) response.end('arrived');
    else response.writeHead(302, { location }).end();
  };

export const at = (port: number, name = 'public.test', rest = '/'): string =>
  `http://${name}:${port}${rest}`;
