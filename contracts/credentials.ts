/**
 * Credentials as perdure.yaml describes them: always by the names of environment variables, never by value.
 * zod at run time: not for workflows.
 */
import { z } from 'zod';
import { STRATEGIES } from './authentication.ts';
import { environmentName } from './environment-name.ts';

export const credentialNameSchema = z
  .string()
  .regex(
    /^[A-Za-z][A-Za-z0-9_.-]{0,63}$/,
    'expected a letter, then up to 63 letters, digits, "_", "." or "-"',
  );

const lines = z.array(z.string());

/** One flat mapping, so that a wrong key is named with what is known there; which of them a strategy needs is checked beside it. */
export const credentialSchema = z.strictObject({
  strategy: z.enum(STRATEGIES).describe('How it is proved or renewed.'),
  provider: z
    .string()
    .optional()
    .describe('`api-key`: name under providers, which is asked whether it takes the key.'),
  apiKeyEnv: environmentName
    .optional()
    .describe("`api-key`: name of the variable with the key; the provider's own when absent."),
  issuer: z
    .url()
    .optional()
    .describe('`oauth2-…`: the authorization server, which says where its token endpoint is.'),
  tokenUrl: z
    .url()
    .optional()
    .describe('`oauth2-…`: the token endpoint itself, instead of `issuer`.'),
  clientIdEnv: environmentName
    .optional()
    .describe("`oauth2-…`: name of the variable with the client's id."),
  clientSecretEnv: environmentName
    .optional()
    .describe(
      "`oauth2-…`: name of the variable with the client's secret; a public client has none.",
    ),
  clientAuth: z
    .enum(['basic', 'post'])
    .default('basic')
    .describe('`oauth2-…`: whether the secret goes into the header or the body.'),
  scope: z.string().optional().describe('`oauth2-…`: scopes to ask for, with spaces between.'),
  parameters: z
    .record(z.string(), z.string())
    .default({})
    .describe('`oauth2-…`: further parameters of the request, such as `audience`.'),
  refreshTokenEnv: environmentName
    .optional()
    .describe(
      '`oauth2-refresh`: name of the variable with the first refresh token; later ones are kept encrypted in the journal. Absent: a person signs in with `perdure auth login`.',
    ),
  deviceAuthorizationUrl: z
    .url()
    .optional()
    .describe(
      '`oauth2-refresh`: where `perdure auth login` begins (the device authorization endpoint); absent: as `issuer` says.',
    ),
  reuseRefreshToken: z
    .boolean()
    .default(false)
    .describe(
      '`oauth2-refresh`: send a refresh token again whose exchange was cut off. For servers whose refresh tokens do not change; others take it for theft.',
    ),
  command: z
    .string()
    .min(1)
    .optional()
    .describe("`command`: a program's own login check, run without a shell."),
  args: lines.default([]).describe('`command`: its arguments.'),
  env: z
    .array(environmentName)
    .default(['PATH', 'HOME'])
    .describe('`command`: names of the variables that it gets; no others.'),
  successCodes: z
    .array(z.number().int().min(0).max(255))
    .default([0])
    .describe('`command`: exit codes that mean signed in.'),
  retryCodes: z
    .array(z.number().int().min(0).max(255))
    .default([])
    .describe('`command`: exit codes that mean "try again"; every other means signed out.'),
  successPattern: z
    .string()
    .optional()
    .describe('`command`: regular expression that its output must match as well.'),
});
export type CredentialSettings = z.infer<typeof credentialSchema>;
export type CredentialCatalogue = Readonly<Record<string, CredentialSettings>>;

/** The tenant of what perdure.yaml configures: the installation's own. */
export const INSTALLATION_TENANT = 'local';

/** What secrets are encrypted with at rest. */
export interface SecretKeys {
  /** 32 bytes. */
  readonly current: Uint8Array;
  /** Still read, never written with. */
  readonly old: readonly Uint8Array[];
}

/** Whose trouble a failure is: credentials of one provider share a circuit breaker. */
export function breakerOf({
  strategy,
  provider,
  issuer,
  tokenUrl,
  command,
}: CredentialSettings): string {
  if (strategy === 'api-key') return `auth:${provider}`;
  if (strategy === 'command') return `auth:command:${command}`;
  return `auth:${new URL(tokenUrl ?? issuer ?? 'about:blank').host}`;
}
