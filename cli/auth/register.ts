/** `perdure auth …`: how Perdure signs in to providers. */
import type { Command } from 'commander';
import { withConnection } from '../connection-options.ts';
import { withJson } from '../json-output.ts';
import type { LoginOptions } from './login.ts';
import type { CheckOptions, ListOptions } from './run.ts';

export function registerAuth(program: Command): void {
  const auth = program
    .command('auth')
    .description(
      'Credentials of providers: list them, check one, sign in for one, forget its token.',
    );
  const add = (signature: string, description: string): Command =>
    withJson(withConnection(auth.command(signature).description(description)));

  add('list', 'credentials, what is stored of them, and circuit breakers').action(
    async (options: ListOptions) => (await run()).list(options),
  );

  add('check <name>', 'sign in with a credential, now, in a worker')
    .option('--renew', 'replace a token that is still good')
    .action(async (name: string, options: CheckOptions) => (await run()).check(name, options));

  add(
    'login <name>',
    'sign in for a credential, as a person: shows an address and a code, and waits',
  )
    .option('--anew', 'end a login of it that is open, whoever began it')
    .action(async (name: string, options: LoginOptions) =>
      (await import('./login.ts')).login(name, options),
    );

  add('forget <name>', 'forget the stored token of a credential').action(
    async (name: string, options: ListOptions) => (await run()).forget(name, options),
  );
}

const run = () => import('./run.ts');
