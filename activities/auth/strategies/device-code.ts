/** The device authorization grant (RFC 8628): a code that a person enters elsewhere, and what comes of it. */
import * as oauth from 'oauth4webapi';
import { Answered, AuthFailure } from '../failure.ts';
import { requireSuccess } from '../refusal.ts';
import { clientOf, inTheClear, withoutIdToken } from './oauth-client.ts';
import type { Client, ClientParts } from './oauth-client.ts';
import { tokensOf } from './oauth2.ts';
import type { Tokens } from './oauth2.ts';

/** Section 3.2: where the server does not say. */
const DEFAULT_INTERVAL_S = 5;
/** A person reads or opens them. */
const MAX_CODE = 64;
const MAX_URL = 2_048;

/** Where the answer is asked for. */
export type AnsweringServer = Pick<oauth.AuthorizationServer, 'issuer' | 'token_endpoint'>;

export interface DeviceCode {
  /** Whoever has it gets the tokens: no person and no log sees it. */
  readonly deviceCode: string;
  readonly server: AnsweringServer;
  readonly userCode: string;
  readonly verificationUri: string;
  readonly verificationUriComplete?: string | undefined;
  readonly expiresInMs: number;
  readonly intervalMs: number;
}

/** @throws {Answered} where the server refuses, {AuthFailure}, or a network's error */
export async function requestDeviceCode(parts: ClientParts): Promise<DeviceCode> {
  const { deviceAuthorizationUrl, tokenUrl, issuer, scope, parameters } = parts.credential;
  const known = await clientOf(parts);
  const { client, auth } = known;
  const server = withDeviceEndpoint(known, deviceAuthorizationUrl);
  const answer = await oauth.deviceAuthorizationRequest(
    server,
    client,
    auth,
    { ...parameters, ...(scope === undefined ? {} : { scope }) },
    {
      ...known.options,
      [oauth.allowInsecureRequests]: inTheClear(deviceAuthorizationUrl ?? tokenUrl ?? issuer),
    },
  );
  await requireSuccess(answer);
  const given = await oauth.processDeviceAuthorizationResponse(server, client, answer);
  const { issuer: name, token_endpoint } = server;
  return {
    deviceCode: given.device_code,
    server: { issuer: name, ...(token_endpoint !== undefined && { token_endpoint }) },
    userCode: readable(given.user_code),
    verificationUri: openable(given.verification_uri),
    ...(given.verification_uri_complete !== undefined && {
      verificationUriComplete: openable(given.verification_uri_complete),
    }),
    expiresInMs: given.expires_in * 1_000,
    intervalMs: (given.interval ?? DEFAULT_INTERVAL_S) * 1_000,
  };
}

export interface Asking extends ClientParts {
  readonly server: AnsweringServer;
  readonly deviceCode: string;
}

/**
 * Asks once.
 * @throws {Answered} as long as the person has not decided (`authorization_pending`, `slow_down`), and where it is refused; {AuthFailure}; a network's error
 */
export async function askForTokens(asking: Asking): Promise<Tokens> {
  const { server, client, auth, options } = await clientOf(asking, asking.server);
  const { parameters: additionalParameters } = asking.credential;
  const answer = await oauth.deviceCodeGrantRequest(server, client, auth, asking.deviceCode, {
    ...options,
    additionalParameters,
  });
  await requireSuccess(answer);
  const tokens = await settled({ server, client }, answer);
  if (tokens.refreshToken !== undefined) return tokens;
  throw new AuthFailure(
    'misconfigured',
    'the server let the person in and gave no refresh token, so that nothing is stored; many give one only for a certain scope, such as "scope: offline_access"',
  );
}

/** The code is used up: to ask again is of no use, whatever is wrong with the answer. */
async function settled(
  { server, client }: Pick<Client, 'server' | 'client'>,
  answer: Response,
): Promise<Tokens> {
  try {
    const response = await withoutIdToken(answer);
    await refuseError(response.clone());
    return tokensOf(await oauth.processDeviceCodeResponse(server, client, response));
  } catch (error) {
    if (error instanceof Answered) throw error;
    const reason = `the answer to the sign-in cannot be used: ${(error as Error).message}`;
    throw new AuthFailure('misconfigured', reason, { cause: error });
  }
}

/** Some servers, GitHub among them, say "not yet" with the status of a success. */
async function refuseError(response: Response): Promise<void> {
  const { error } = (await response.json()) as { error?: unknown };
  if (typeof error === 'string') throw new Answered({ status: response.status, code: error });
}

function withDeviceEndpoint(
  { server }: Client,
  stated: string | undefined,
): oauth.AuthorizationServer {
  if (stated !== undefined) return { ...server, device_authorization_endpoint: stated };
  if (server.device_authorization_endpoint !== undefined) return server;
  throw new AuthFailure(
    'misconfigured',
    `${server.issuer} names no device authorization endpoint: give it as deviceAuthorizationUrl, or a refresh token in the variable of refreshTokenEnv`,
  );
}

/** What a server says must not steer a terminal. */
function readable(code: string): string {
  if (code.length > 0 && code.length <= MAX_CODE && /^[^\p{C}]+$/u.test(code)) return code;
  throw new AuthFailure('provider_error', 'the code that it gave for the person cannot be shown');
}

function openable(url: string): string {
  const fits = url.length <= MAX_URL && /^https?:\/\/[!-~]+$/.test(url) && URL.canParse(url);
  if (fits) return url;
  throw new AuthFailure(
    'provider_error',
    'the address that it gave for the person is no http or https URL',
  );
}
