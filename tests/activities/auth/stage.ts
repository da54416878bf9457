/** Workers that sign in, on one journal: each with a memory of its own. */
import { randomBytes } from 'node:crypto';
import type { Authenticator } from '../../../activities/auth/authenticator.ts';
import { createAuthenticator } from '../../../activities/auth/create-authenticator.ts';
import { credentialSchema } from '../../../contracts/credentials.ts';
import type { SecretKeys } from '../../../contracts/credentials.ts';
import { POLICIES } from '../../../contracts/policies.ts';
import { providerSchema } from '../../../contracts/settings.ts';
import type { Journal } from '../../../journal/port.ts';
import { createLog } from '../../../telemetry/log.ts';
import { HiddenValues } from '../../../telemetry/redact.ts';
import { emptyJournal, sqlite } from '../../journal/support/dialects.ts';
import type { Database, Dialect } from '../../journal/support/dialects.ts';

export interface AuthStageOptions {
  readonly dialect?: Dialect | undefined;
  readonly providers?: Record<string, object>;
  readonly credentials: Record<string, object>;
  /** May be changed later. */
  readonly secrets?: Record<string, string>;
}

export interface AuthStage extends AsyncDisposable {
  readonly journal: Journal;
  readonly database: Database;
  readonly logged: readonly string[];
  /** Null: without a key. A key of its own where none is given. */
  worker(keys?: SecretKeys | null): Authenticator;
  token(worker: Authenticator, name?: string): Promise<string>;
}

export const newKey = (): SecretKeys => ({ current: randomBytes(32), old: [] });

export async function authStage(options: AuthStageOptions): Promise<AuthStage> {
  const { secrets = {}, dialect = sqlite } = options;
  const opened = await emptyJournal(dialect);
  const { journal, database } = opened;
  const logged: string[] = [];
  const hidden = new HiddenValues(Object.values(secrets));
  const log = createLog({
    level: 'debug',
    service: 'test',
    secrets: hidden,
    destination: { write: (line: string) => void logged.push(line) },
  });
  const parsed = <T>(input: Record<string, object>, parse: (each: object) => T) =>
    Object.fromEntries(Object.entries(input).map(([name, each]) => [name, parse(each)]));
  const ofAll = newKey();
  return {
    journal,
    database,
    logged,
    worker: (keys = ofAll) =>
      createAuthenticator({
        ...{ journal, log, policies: POLICIES },
        secrets: (name) => secrets[name],
        credentials: parsed(options.credentials, (each) => credentialSchema.parse(each)),
        secretKeys: keys ?? undefined,
        hide: (secret) => hidden.hide(secret),
        catalogue: {
          providers: parsed(options.providers ?? {}, (each) => providerSchema.parse(each)),
          ...{ models: {}, agents: {}, defaultModel: 'none', defaultAgent: 'none' },
        },
      }),
    token: async (worker, name = 'gateway') =>
      (await worker.token(name, new AbortController().signal)).value,
    [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose](),
  };
}
