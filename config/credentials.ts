/** Checks of `credentials`: what each strategy needs, and whether what refers to one can use it. */
import type { Strategy } from '../contracts/authentication.ts';
import { linearPattern } from '../contracts/patterns.ts';
import type { CredentialSettings } from '../contracts/credentials.ts';
import type { PathProblem } from './problems.ts';
import type { FileSettings } from './schema.ts';

type Key = keyof CredentialSettings;

/** What a strategy cannot do without; one of each list. */
const NEEDED: Record<Strategy, readonly (readonly Key[])[]> = {
  'api-key': [['provider']],
  'oauth2-client-credentials': [['issuer', 'tokenUrl'], ['clientIdEnv'], ['clientSecretEnv']],
  'oauth2-refresh': [['issuer', 'tokenUrl'], ['clientIdEnv'], ['refreshTokenEnv']],
  command: [['command']],
};

const OAUTH = ['issuer', 'tokenUrl', 'clientIdEnv', 'clientSecretEnv', 'scope'] as const;
/** What belongs to it; a setting of another strategy would be ignored without a word. */
const KNOWN: Record<Strategy, readonly Key[]> = {
  'api-key': ['provider', 'apiKeyEnv'],
  'oauth2-client-credentials': OAUTH,
  'oauth2-refresh': [...OAUTH, 'refreshTokenEnv'],
  command: ['command', 'successPattern'],
};

export const checkCredentials = ({ credentials }: FileSettings): readonly PathProblem[] =>
  Object.entries(credentials).flatMap(([name, credential]) =>
    problemsOf(credential).map(({ key, message }) => ({
      path: ['credentials', name, key],
      message,
    })),
  );

interface KeyProblem {
  readonly key: Key;
  readonly message: string;
}

const problemsOf = (credential: CredentialSettings): readonly KeyProblem[] => [
  ...missing(credential),
  ...misplaced(credential),
  ...insecure(credential),
  ...pattern(credential),
];

const missing = (credential: CredentialSettings): readonly KeyProblem[] =>
  NEEDED[credential.strategy]
    .filter((keys) => keys.every((key) => credential[key] === undefined))
    .map((keys) => ({
      key: keys[0]!,
      message: `is missing; ${credential.strategy} needs ${keys.join(' or ')}`,
    }));

function misplaced(credential: CredentialSettings): readonly KeyProblem[] {
  const known = KNOWN[credential.strategy];
  const choices = new Set(Object.values(KNOWN).flat());
  return [...choices]
    .filter((key) => credential[key] !== undefined && !known.includes(key))
    .map((key) => ({
      key,
      message: `is of no use to ${credential.strategy}; it knows: ${known.join(', ')}`,
    }));
}

const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/;

/** Secrets travel to it: in the clear only within this machine. */
const insecure = (credential: CredentialSettings): readonly KeyProblem[] =>
  (['issuer', 'tokenUrl'] as const).flatMap((key) => {
    const text = credential[key];
    if (text === undefined) return [];
    const { protocol, hostname } = new URL(text);
    const fine = protocol === 'https:' || (protocol === 'http:' && LOOPBACK.test(hostname));
    return fine ? [] : [{ key, message: 'is not https, which is needed beyond this machine' }];
  });

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
