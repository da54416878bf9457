import { breakerOf } from '../../contracts/credentials.ts';
import { allCredentials } from '../../contracts/provider-keys.ts';
import type { ApiDeps } from '../deps.ts';

/**
 * Shows the sign-in breakers as the journal has them: one worker opens a breaker and another closes it, so none of them knows. One of a
 * credential that is configured no more would stay open for ever, and is not shown; nor is what is not known any more.
 */
export function signInCircuits({
  journal,
  metrics: { signInCircuits: gauge },
  settings: { credentials },
  catalogue: { providers },
}: ApiDeps): () => Promise<void> {
  const known = new Set(Object.values(allCredentials({ credentials, providers })).map(breakerOf));
  return async () => {
    const rows = await journal.breakers.list().finally(() => gauge.reset());
    for (const { key, state } of rows)
      if (known.has(key)) gauge.set({ provider: key }, state === 'closed' ? 0 : 1);
  };
}
