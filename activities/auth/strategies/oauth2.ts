/** `oauth2-client-credentials` and `oauth2-refresh`: one exchange for an access token (RFC 6749, sections 4.4 and 6). */
import * as oauth from 'oauth4webapi';
import { requireSuccess } from '../refusal.ts';
import { clientOf, withoutIdToken } from './oauth-client.ts';
import type { Client, ClientParts } from './oauth-client.ts';

export interface Tokens {
  readonly accessToken: string;
  /** Null where the server does not say: then it is good until somebody refuses it. */
  readonly lifetimeMs: number | null;
  /** The next one to use; absent where the server gave none. */
  readonly refreshToken?: string | undefined;
}

export interface Exchange extends ClientParts {
  /** For `oauth2-refresh`. */
  readonly refreshToken?: string | undefined;
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
  return tokensOf(tokens);
}

export const tokensOf = (answer: oauth.TokenEndpointResponse): Tokens => ({
  accessToken: answer.access_token,
  lifetimeMs: answer.expires_in === undefined ? null : answer.expires_in * 1_000,
  refreshToken: answer.refresh_token,
});

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
