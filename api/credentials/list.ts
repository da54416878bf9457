/** What is known of the credentials, without a secret: configuration and journal side by side. */
import { INSTALLATION_TENANT } from '../../contracts/credentials.ts';
import type { Strategy } from '../../contracts/authentication.ts';
import type { BreakerState } from '../../journal/port.ts';
import type { ApiContext } from '../context.ts';
import { ownCredentials } from './own.ts';

export interface CredentialView {
  readonly name: string;
  readonly strategy: Strategy;
  /** Providers that take their key from it. */
  readonly usedBy: readonly string[];
  /** Of what is stored; null where nothing is, or nothing has to be. */
  readonly stored: {
    readonly version: number;
    readonly updatedAt: string;
    /** ISO 8601; null where it does not end by itself. */
    readonly expiresAt: string | null;
  } | null;
}

export interface CredentialList {
  readonly credentials: readonly CredentialView[];
  /** Of providers that ever failed. */
  readonly breakers: readonly {
    readonly key: string;
    readonly state: BreakerState;
    readonly failures: number;
  }[];
}

export async function listCredentials(ctx: ApiContext): Promise<CredentialList> {
  const { catalogue, journal } = ctx.deps;
  if (ctx.principal.tenant !== INSTALLATION_TENANT) return { credentials: [], breakers: [] };
  const { providers } = catalogue;
  const [rows, breakers] = await Promise.all([
    journal.credentials.list(INSTALLATION_TENANT),
    journal.breakers.list(),
  ]);
  const stored = new Map(rows.map((row) => [row.name, row]));
  return {
    credentials: Object.entries(ownCredentials(ctx)).map(([name, { strategy }]) => {
      const row = stored.get(name);
      return {
        name,
        strategy,
        usedBy: Object.entries(providers)
          .filter(([provider, { credential }]) => (credential ?? provider) === name)
          .map(([provider]) => provider),
        stored: row && row.secret !== null ? { ...timesOf(row), version: row.version } : null,
      };
    }),
    breakers,
  };
}

const timesOf = ({
  expiresInMs,
  updatedAt,
}: {
  expiresInMs: number | null;
  updatedAt: string;
}) => ({
  updatedAt,
  expiresAt: expiresInMs === null ? null : new Date(Date.now() + expiresInMs).toISOString(),
});
