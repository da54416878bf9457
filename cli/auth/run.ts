/** What the `auth` commands do. */
import type { ConnectOptions } from '../connection-options.ts';
import { CommandFailed } from '../exit-codes.ts';
import { printJson } from '../json-output.ts';
import { withClient } from '../one-command.ts';

export interface ListOptions extends ConnectOptions {
  readonly json?: true;
}
export interface CheckOptions extends ListOptions {
  readonly renew?: true;
}

/** Three attempts of half a minute, and the waits between them. */
const CHECK_MS = 130_000;
/** Not repeated where the connection breaks: with `--renew` each time is another token. */
const ONE_CHECK = { retryForMs: 0, timeoutMs: CHECK_MS };

export const list = ({ json, ...options }: ListOptions): Promise<void> =>
  withClient(options, async (client) => {
    const found = await client.call((trpc, call) => trpc.credential.list.query(undefined, call));
    if (json) {
      for (const credential of found.credentials) printJson({ type: 'credential', ...credential });
      for (const breaker of found.breakers) printJson({ type: 'breaker', ...breaker });
      return;
    }
    if (found.credentials.length === 0) console.log('There are no credentials.');
    for (const { name, strategy, usedBy, stored } of found.credentials) {
      const until = stored && (stored.expiresAt ?? 'somebody refuses it');
      const state = stored ? `token ${stored.version}, until ${until}` : '';
      const use = usedBy.length > 0 ? `for ${usedBy.join(', ')}` : '';
      console.log([name, strategy, use, state].filter(Boolean).join('  '));
    }
    for (const { key, state, failures } of found.breakers)
      console.log(`breaker ${key}  ${state}  ${failures} failures in a row`);
  });

export const check = (name: string, { json, renew, ...options }: CheckOptions): Promise<void> =>
  withClient(
    options,
    async (client) => {
      const result = await client.call((trpc, call) =>
        trpc.credential.check.mutate({ name, renew: renew === true }, call),
      );
      if (json) printJson(result);
      else
        for (const { number, kind, reason } of result.attempts)
          console.log(`${number}. ${[kind, reason].filter(Boolean).join(': ')}`);
      if (result.outcome === 'failed')
        throw new CommandFailed(`${name} does not work (${result.error?.code}).`);
      if (!json) console.log(`${name} works.`);
    },
    ONE_CHECK,
  );

export const forget = (name: string, { json, ...options }: ListOptions): Promise<void> =>
  withClient(options, async (client) => {
    const forgotten = await client.call((trpc, call) =>
      trpc.credential.forget.mutate({ name }, call),
    );
    if (json) return printJson(forgotten);
    console.log(
      `What was stored of ${name} is forgotten; the next one who needs a token begins anew.`,
    );
  });
