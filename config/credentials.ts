/** Checks of `credentials`: what each strategy needs, and whether what refers to one can use it. */
import type { Strategy } from '../contracts/authentication.ts';
import { linearPattern } from '../contracts/patterns.ts';
import { credentialSchema } from '../contracts/credentials.ts';
import type { CredentialSettings } from '../contracts/credentials.ts';
import type { PathProblem } from './problems.ts';
import type { FileSettings } from './schema.ts';

type Key = keyof CredentialSettings;

/** A refresh token is given, or a person signs in for it, at an address that is given or that the issuer says. */
const FIRST_TOKEN: readonly Key[] = ['refreshTokenEnv', 'deviceAuthorizationUrl', 'issuer'];

/** What a strategy cannot do without; one of each list. */
const NEEDED: Record<Strategy, readonly (readonly Key[])[]> = {
  'api-key': [['provider']],
  'oauth2-client-credentials': [['issuer', 'tokenUrl'], ['clientIdEnv'], ['clientSecretEnv']],
  'oauth2-refresh': [['issuer', 'tokenUrl'], ['clientIdEnv'], FIRST_TOKEN],
  command: [['command']],
};

const OAUTH = [
  'issuer',
  'tokenUrl',
  'clientIdEnv',
  'clientSecretEnv',
  'clientAuth',
  'scope',
  'parameters',
] as const;
/** What belongs to it; a setting of another strategy would be ignored without a word. */
const KNOWN: Record<Strategy, readonly Key[]> = {
  'api-key': ['provider', 'apiKeyEnv'],
  'oauth2-client-credentials': OAUTH,
  'oauth2-refresh': [...OAUTH, 'refreshTokenEnv', 'deviceAuthorizationUrl', 'reuseRefreshToken'],
  command: ['command', 'args', 'env', 'successCodes', 'retryCodes', 'successPattern'],
};

export const checkCredentials = ({ credentials }: FileSettings): readonly PathProblem[] =>
  Object.entries(credentials).flatMap(([name, credential]) =>
    problemsOf(credential).map(({ key, message, orElse = [] }) => ({
      path: ['credentials', name, key],
      message,
      orElse: orElse.map((other) => ['credentials', name, other]),
    })),
  );

interface KeyProblem {
  readonly key: Key;
  readonly message: string;
  readonly orElse?: readonly Key[];
}

const problemsOf = (credential: CredentialSettings): readonly KeyProblem[] => [
  ...missing(credential),
  ...misplaced(credential),
  ...twice(credential),
  ...addresses(credential),
  ...codes(credential),
  ...pattern(credential),
];

const missing = (credential: CredentialSettings): readonly KeyProblem[] =>
  NEEDED[credential.strategy]
    .filter((keys) => keys.every((key) => credential[key] === undefined))
    .map((keys) => ({
      key: keys[0]!,
      message: `is missing; ${credential.strategy} needs ${keys.join(' or ')}`,
      orElse: keys.slice(1),
    }));

/** What every credential has, stated or not: a setting that says just that changes nothing. */
const DEFAULTS = new Map<string, unknown>(
  Object.entries(credentialSchema.parse({ strategy: 'command' })).filter(
    ([key]) => key !== 'strategy',
  ),
);

const isStated = (credential: CredentialSettings, key: Key): boolean =>
  JSON.stringify(credential[key]) !== JSON.stringify(DEFAULTS.get(key));

function misplaced(credential: CredentialSettings): readonly KeyProblem[] {
  const known = KNOWN[credential.strategy];
  const choices = new Set(Object.values(KNOWN).flat());
  return [...choices]
    .filter((key) => isStated(credential, key) && !known.includes(key))
    .map((key) => ({
      key,
      message: `is of no use to ${credential.strategy}; it knows: ${known.join(', ')}`,
    }));
}

const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/;

const addresses = (credential: CredentialSettings): readonly KeyProblem[] =>
  (['issuer', 'tokenUrl', 'deviceAuthorizationUrl'] as const).flatMap((key) => {
    const text = credential[key];
    const message = text === undefined ? undefined : unfit(new URL(text));
    return message === undefined ? [] : [{ key, message }];
  });

/** Secrets travel to it: in the clear only within this machine. Nobody shows it in an error, so that it must not hold one. */
function unfit({ protocol, hostname, username, password }: URL): string | undefined {
  if (protocol !== 'https:' && !(protocol === 'http:' && LOOPBACK.test(hostname)))
    return 'is not https, which is needed beyond this machine';
  if (username !== '' || password !== '')
    return 'has a name or password in it; expected them under clientIdEnv and clientSecretEnv';
  return undefined;
}

const twice = ({ issuer, tokenUrl }: CredentialSettings): readonly KeyProblem[] =>
  issuer !== undefined && tokenUrl !== undefined
    ? [{ key: 'issuer', message: 'stands beside tokenUrl; expected one of the two' }]
    : [];

const codes = ({ successCodes, retryCodes }: CredentialSettings): readonly KeyProblem[] =>
  retryCodes
    .filter((code) => successCodes.includes(code))
    .map((code) => ({ key: 'retryCodes', message: `has ${code}, which is under successCodes` }));

function pattern({ successPattern }: CredentialSettings): readonly KeyProblem[] {
  try {
    if (successPattern !== undefined) linearPattern(successPattern);
    return [];
  } catch (error) {
    const message = `is no regular expression that can be used: ${(error as Error).message}`;
    return [{ key: 'successPattern', message }];
  }
}

/** A provider takes its key from one place, and a login check gives none. */
export const checkUses = ({ providers, credentials }: FileSettings): readonly PathProblem[] =>
  Object.entries(providers).flatMap(([name, { credential, apiKeyEnv }]) => {
    if (credential === undefined) return [];
    const path = ['providers', name, 'credential'];
    if (apiKeyEnv !== undefined)
      return [{ path, message: 'stands beside apiKeyEnv; expected one of the two' }];
    if (credentials[credential]?.strategy === 'command')
      return [{ path, message: `is "${credential}", a login check, which gives no key` }];
    return [];
  });
