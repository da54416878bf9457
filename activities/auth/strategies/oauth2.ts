/** `oauth2-client-credentials` and `oauth2-refresh`: one exchange for an access token (RFC 6749, sections 4.4 and 6). */
import * as oauth from 'oauth4webapi';
import type { CredentialSettings } from '../../../contracts/credentials.ts';
import { AuthFailure } from '../failure.ts';
import { requireSuccess } from '../refusal.ts';
import { needed } from './strategy.ts';
import type { SecretLookup, Sought } from './strategy.ts';

export interface Tokens {
  readonly accessToken: string;
  /** Null where the server does not say: then it is good until somebody refuses it. */
  readonly lifetimeMs: number | null;
  /** The next one to use; absent where the server gave none. */
  readonly refreshToken?: string | undefined;
}

export interface Exchange extends Sought {
  readonly secrets: SecretLookup;
  /** For `oauth2-refresh`. */
  readonly refreshToken?: string | undefined;
}

interface Client {
  readonly server: oauth.AuthorizationServer;
  readonly client: oauth.Client;
  readonly auth: oauth.ClientAuth;
  readonly options: oauth.TokenEndpointRequestOptions;
}

/** @throws {Answered} where the server refuses, {AuthFailure}, or a network's error */
export async function exchangeTokens(exchange: Exchange): Promise<Tokens> {
  const known = await clientOf(exchange);
  const { server, client } = known;
  const answer = await request(exchange, known);
  await requireSuccess(answer);
  const response = await withoutIdToken(answer);
  const tokens =
    exchange.refreshToken === undefined
      ? await oauth.processClientCredentialsResponse(server, client, response)
      : await oauth.processRefreshTokenResponse(server, client, response);
  const { access_token: accessToken, expires_in: seconds, refresh_token: refreshToken } = tokens;
  return { accessToken, lifetimeMs: seconds === undefined ? null : seconds * 1_000, refreshToken };
}

function request({ credential, refreshToken }: Exchange, known: Client): Promise<Response> {
  const { server, client, auth, options } = known;
  const { scope, parameters } = credential;
  const more = { ...parameters, ...(scope === undefined ? {} : { scope }) };
  return refreshToken === undefined
    ? oauth.clientCredentialsGrantRequest(server, client, auth, more, options)
    : oauth.refreshTokenGrantRequest(server, client, auth, refreshToken, {
        ...options,
        additionalParameters: more,
      });
}

async function clientOf({ credential, secrets, signal }: Exchange): Promise<Client> {
  const { clientIdEnv, clientSecretEnv, clientAuth, issuer, tokenUrl } = credential;
  const client = { client_id: needed(secrets, clientIdEnv) };
  const secret = clientSecretEnv === undefined ? undefined : needed(secrets, clientSecretEnv);
  const prove = clientAuth === 'post' ? oauth.ClientSecretPost : oauth.ClientSecretBasic;
  const options = {
    signal,
    // The settings allow it within this machine only.
    [oauth.allowInsecureRequests]: (tokenUrl ?? issuer)?.startsWith('http:') === true,
  };
  const server = await serverOf(credential, options);
  return { server, client, auth: secret === undefined ? oauth.None() : prove(secret), options };
}

async function serverOf(
  { tokenUrl, issuer }: CredentialSettings,
  options: Omit<oauth.DiscoveryRequestOptions, 'algorithm'>,
): Promise<oauth.AuthorizationServer> {
  if (tokenUrl !== undefined) return { issuer: new URL(tokenUrl).origin, token_endpoint: tokenUrl };
  const url = new URL(issuer ?? '');
  const response = await oauth.discoveryRequest(url, options);
  await requireSuccess(response);
  const server = await oauth.processDiscoveryResponse(url, response);
  if (server.token_endpoint !== undefined) return server;
  throw new AuthFailure('misconfigured', `${issuer} names no token endpoint`);
}

/** It says who once signed in, which nobody here asks; checking it would need to know its issuer. */
async function withoutIdToken(response: Response): Promise<Response> {
  const text = await response.text();
  const body: unknown = parsed(text);
  if (typeof body !== 'object' || body === null) throw unreadable(response);
  return Response.json({ ...body, id_token: undefined });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const unreadable = ({ url }: Response): Error =>
  new Error(`the token endpoint's answer is not JSON (${new URL(url).host})`);
