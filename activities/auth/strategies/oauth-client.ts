/** Perdure as a client of an authorization server: where it is asked, and how Perdure proves who asks. */
import * as oauth from 'oauth4webapi';
import type { CredentialSettings } from '../../../contracts/credentials.ts';
import { AuthFailure } from '../failure.ts';
import { requireSuccess } from '../refusal.ts';
import { needed } from './strategy.ts';
import type { SecretLookup, Sought } from './strategy.ts';

export interface ClientParts extends Sought {
  readonly secrets: SecretLookup;
}

export interface Client {
  readonly server: oauth.AuthorizationServer;
  readonly client: oauth.Client;
  readonly auth: oauth.ClientAuth;
  readonly options: oauth.TokenEndpointRequestOptions;
}

/** The settings allow it within this machine only. */
export const inTheClear = (url: string | undefined): boolean => url?.startsWith('http:') === true;

/** @param found what the issuer has said before, so that it is not asked again */
export async function clientOf(
  { credential, secrets, signal }: ClientParts,
  found?: oauth.AuthorizationServer,
): Promise<Client> {
  const { clientIdEnv, clientSecretEnv, clientAuth, issuer, tokenUrl } = credential;
  const client = { client_id: needed(secrets, clientIdEnv) };
  const secret = clientSecretEnv === undefined ? undefined : needed(secrets, clientSecretEnv);
  const prove = clientAuth === 'post' ? oauth.ClientSecretPost : oauth.ClientSecretBasic;
  const options = { signal, [oauth.allowInsecureRequests]: inTheClear(tokenUrl ?? issuer) };
  const server = found ?? (await serverOf(credential, options));
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
export async function withoutIdToken(response: Response): Promise<Response> {
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
