/** A real OAuth 2 server that rotates refresh tokens, refuses one that comes twice, and fails when it is told to. */
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { Events, OAuth2Issuer, OAuth2Service } from 'oauth2-mock-server';

/** Instead of a token: an answer, a connection that is cut after the token was made, or one that says nothing. */
export type Fault =
  | {
      readonly status: number;
      readonly body?: Record<string, unknown>;
      readonly headers?: Record<string, string>;
    }
  | 'cut'
  | 'silence';

export interface TokenServer extends AsyncDisposable {
  readonly issuer: string;
  readonly tokenUrl: string;
  /** The bodies of all requests for a token, faults among them. */
  readonly requests: readonly URLSearchParams[];
  /** Every token that it ever gave, of both kinds. */
  readonly issued: readonly string[];
  /** Seconds that tokens last from now on; null says nothing of it. */
  lifetimeS: number | null;
  /** What the next requests get, in order. */
  fail(...faults: readonly Fault[]): void;
  /** Holds the next answers back until `open` is called. */
  hold(): { open(): void };
}

/** The body has been read already. */
const readAgain = ({ method, url, headers }: IncomingMessage, body: string) =>
  Object.assign(Readable.from([Buffer.from(body)]), { method, url, headers }) as IncomingMessage;

/** RFC 6749, section 2.3.1: both halves are form-encoded before they are joined. */
const isClient = (authorization = ''): boolean =>
  decodeURIComponent(Buffer.from(authorization.replace('Basic ', ''), 'base64').toString()) ===
  'perdure:client-secret-1';

/** What a client needs to be let in. */
export const CLIENT_SECRETS = { CLIENT_ID: 'perdure', CLIENT_SECRET: 'client-secret-1' };

export async function startTokenServer(firstRefreshToken = 'refresh-first'): Promise<TokenServer> {
  const issuer = new OAuth2Issuer();
  await issuer.keys.generate('RS256');
  const service = new OAuth2Service(issuer);
  const requests: URLSearchParams[] = [];
  const issued: string[] = [firstRefreshToken];
  const good = new Set([firstRefreshToken]);
  const faults: Fault[] = [];
  let gate: Promise<void> = Promise.resolve();
  const state = { lifetimeS: 3_600 as number | null };

  service.on(Events.BeforeResponse, (response, request) => {
    const body = response.body as Record<string, unknown> & { refresh_token?: string };
    const sent = (request.body as { refresh_token?: string }).refresh_token;
    if (!isClient(request.headers.authorization)) {
      Object.assign(response, { statusCode: 401, body: { error: 'invalid_client' } });
      return;
    }
    if (sent !== undefined && !good.delete(sent)) {
      Object.assign(response, { statusCode: 400, body: { error: 'invalid_grant' } });
      return;
    }
    const access = `access-${randomUUID()}`;
    body['access_token'] = access;
    if (state.lifetimeS === null) delete body['expires_in'];
    else body['expires_in'] = state.lifetimeS;
    issued.push(access);
    if (body.refresh_token === undefined) return;
    good.add(body.refresh_token);
    issued.push(body.refresh_token);
  });

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (request.url !== '/token') return service.requestHandler(request, response);
    const fault = faults.shift();
    const body = Buffer.concat(await Array.fromAsync(request)).toString();
    requests.push(new URLSearchParams(body));
    await gate;
    if (fault === 'silence') return;
    if (fault && fault !== 'cut') {
      response.writeHead(fault.status, { 'content-type': 'application/json', ...fault.headers });
      response.end(JSON.stringify(fault.body ?? {}));
      return;
    }
    if (fault === 'cut') {
      // The token is made, and its answer never arrives.
      response.end = () => response.destroy();
      response.writeHead = () => response;
    }
    service.requestHandler(readAgain(request, body), response);
  };
  const server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  issuer.url = url;
  return {
    issuer: url,
    tokenUrl: `${url}/token`,
    requests,
    issued,
    get lifetimeS() {
      return state.lifetimeS;
    },
    set lifetimeS(seconds) {
      state.lifetimeS = seconds;
    },
    fail: (...more) => void faults.push(...more),
    hold: () => {
      const { promise, resolve } = Promise.withResolvers<void>();
      gate = promise;
      return { open: resolve };
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
