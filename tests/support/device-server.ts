/**
 * An authorization server for people who sign in elsewhere: RFC 8628 to the letter, errors included, with rotating refresh tokens (RFC 6749) behind it.
 * `oauth2-mock-server` knows no device codes.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

const DEVICE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code';
/** Section 3.5. */
const SLOWER_MS = 5_000;
/** Clocks of two processes: an answer may be asked for so much sooner. */
const CLOCKS_MS = 50;

export type Decision = 'approved' | 'denied' | 'expired';
type Fault =
  | { readonly status: number; readonly body?: object; readonly headers?: object }
  | 'cut'
  | 'silence';

interface Device {
  readonly userCode: string;
  readonly expiresAt: number;
  decision?: Decision;
  intervalMs: number;
  askedAt: number;
}

export interface DeviceServer extends AsyncDisposable {
  readonly issuer: string;
  readonly tokenUrl: string;
  readonly deviceUrl: string;
  /** Bodies of requests for a code, and for tokens; faults among them. */
  readonly begun: readonly URLSearchParams[];
  readonly asked: readonly URLSearchParams[];
  /** What it answered to each of these, in a word. */
  readonly answers: readonly string[];
  /** How often it was asked where its endpoints are. */
  discoveries: number;
  /** Every token and every device code that it ever gave. */
  readonly issued: readonly string[];
  /** Of the codes that it gives from now on. */
  intervalS: number | undefined;
  expiresInS: number;
  /** False: whoever signs in gets no refresh token. */
  givesRefreshTokens: boolean;
  /** The status of "not yet" and "no"; GitHub's is 200. */
  errorStatus: number;
  /** Added to, or put in the place of, what it answers to the request for a code. */
  more: Record<string, unknown>;
  /** What the person does who was shown the code, or the clock. */
  decide(userCode: string, decision: Decision): void;
  /** What the next requests for tokens get, in order. */
  fail(...faults: readonly Fault[]): void;
}

export const DEVICE_SECRETS = { DEVICE_ID: 'perdure', DEVICE_SECRET: 'device-client-secret' };
export const DEVICE_CLIENT = { clientIdEnv: 'DEVICE_ID', clientSecretEnv: 'DEVICE_SECRET' };

/** RFC 6749, section 2.3.1: both halves are form-encoded before they are joined. */
const isClient = ({ headers: { authorization = '' } }: IncomingMessage): boolean =>
  decodeURIComponent(Buffer.from(authorization.replace('Basic ', ''), 'base64').toString()) ===
  Object.values(DEVICE_SECRETS).join(':');

/** Section 6.1: easy to type, no vowels. */
const newUserCode = (): string =>
  [...randomBytes(8)]
    .map((byte) => 'BCDFGHJKLMNPQRSTVWXZ'[byte % 20])
    .join('')
    .replace(/^.{4}/, '$&-');

export async function startDeviceServer(): Promise<DeviceServer> {
  const devices = new Map<string, Device>();
  const refreshTokens = new Set<string>();
  const faults: Fault[] = [];
  const begun: URLSearchParams[] = [];
  const asked: URLSearchParams[] = [];
  const answers: string[] = [];
  const issued: string[] = [];
  const state = {
    intervalS: 1 as number | undefined,
    expiresInS: 600,
    givesRefreshTokens: true,
    errorStatus: 400,
    more: {} as Record<string, unknown>,
    discoveries: 0,
  };
  const given = (kind: string): string => {
    const secret = `${kind}-${randomUUID()}`;
    issued.push(secret);
    return secret;
  };

  const device = (url: string) => {
    const deviceCode = given('device');
    const userCode = newUserCode();
    const { intervalS, expiresInS } = state;
    const times = { expiresAt: Date.now() + expiresInS * 1_000, askedAt: Date.now() };
    devices.set(deviceCode, { userCode, ...times, intervalMs: (intervalS ?? 5) * 1_000 });
    return {
      device_code: deviceCode,
      user_code: userCode,
      verification_uri: `${url}/device`,
      verification_uri_complete: `${url}/device?user_code=${userCode}`,
      expires_in: expiresInS,
      ...(intervalS !== undefined && { interval: intervalS }),
      ...state.more,
    };
  };

  const tokens = (refreshable: boolean) => {
    const refreshToken = refreshable ? given('refresh') : undefined;
    if (refreshToken) refreshTokens.add(refreshToken);
    return {
      ...{ access_token: given('access'), token_type: 'Bearer', expires_in: 3_600 },
      refresh_token: refreshToken,
    };
  };

  /** The error's code, or the tokens. */
  const answerTo = (request: URLSearchParams): string | object => {
    const grant = request.get('grant_type');
    if (grant === 'refresh_token')
      return refreshTokens.delete(request.get('refresh_token') ?? '')
        ? tokens(true)
        : 'invalid_grant';
    if (grant !== DEVICE_GRANT) return 'unsupported_grant_type';
    const code = request.get('device_code') ?? '';
    const found = devices.get(code);
    if (!found) return 'invalid_grant';
    const now = Date.now();
    const tooSoon = now - found.askedAt < found.intervalMs - CLOCKS_MS;
    found.askedAt = now;
    if (found.decision === 'expired' || now >= found.expiresAt) return 'expired_token';
    if (tooSoon) {
      found.intervalMs += SLOWER_MS;
      return 'slow_down';
    }
    if (found.decision === undefined) return 'authorization_pending';
    devices.delete(code);
    return found.decision === 'denied' ? 'access_denied' : tokens(state.givesRefreshTokens);
  };

  const respond = (response: ServerResponse, status: number, body: object): void => {
    response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
    response.end(JSON.stringify(body));
  };

  const token = (body: URLSearchParams, response: ServerResponse): void => {
    asked.push(body);
    const fault = faults.shift();
    if (fault === 'silence') return void answers.push('silence');
    if (typeof fault === 'object') {
      answers.push(String(fault.status));
      for (const [name, value] of Object.entries(fault.headers ?? {}))
        response.setHeader(name, String(value));
      return respond(response, fault.status, fault.body ?? {});
    }
    const answer = answerTo(body);
    answers.push(typeof answer === 'string' ? answer : 'tokens');
    // It did what was asked, and nobody hears of it.
    if (fault === 'cut') return void response.destroy();
    if (typeof answer === 'object') return respond(response, 200, answer);
    return respond(response, state.errorStatus, { error: answer });
  };

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = `http://${request.headers.host}`;
    if (request.url === '/.well-known/openid-configuration') {
      state.discoveries += 1;
      return respond(response, 200, {
        issuer: url,
        token_endpoint: `${url}/token`,
        device_authorization_endpoint: `${url}/device_authorization`,
      });
    }
    const text = Buffer.concat(await Array.fromAsync(request)).toString();
    const body = new URLSearchParams(text);
    if (request.method !== 'POST') return respond(response, 405, {});
    if (!isClient(request)) return respond(response, 401, { error: 'invalid_client' });
    if (request.url === '/token') return token(body, response);
    if (request.url !== '/device_authorization') return respond(response, 404, {});
    begun.push(body);
    return respond(response, 200, device(url));
  };
  const server = createServer((request, response) => void handle(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return Object.assign(state, {
    issuer,
    tokenUrl: `${issuer}/token`,
    deviceUrl: `${issuer}/device_authorization`,
    ...{ begun, asked, answers, issued },
    decide: (userCode: string, decision: Decision) => {
      const found = [...devices.values()].find((each) => each.userCode === userCode);
      if (!found) throw new Error(`nobody was given the code ${userCode}`);
      found.decision = decision;
    },
    fail: (...more: readonly Fault[]) => void faults.push(...more),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  });
}
