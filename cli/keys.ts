// `perdure keys`: who may use the API. A key is shown once, when it is made.
import { InvalidArgumentError, Option } from 'commander';
import type { Command } from 'commander';
import { parseId } from '../contracts/ids.ts';
import { MAX_KEY_LABEL_CHARACTERS, MAX_KEY_NAME_CHARACTERS } from '../contracts/limits.ts';
import { ROLES } from '../journal/port.ts';
import { printJson, withJson } from './json-output.ts';
import type { KeyStore, NewKey } from './keys/store.ts';

interface Output {
  readonly json?: true;
}

export function registerKeys(program: Command): void {
  const keys = program.command('keys').description('Create, list and revoke API keys.');
  const add = (signature: string, description: string): Command =>
    withJson(keys.command(signature).description(description));

  add('create', 'Make a key; it is shown this once.')
    .requiredOption('--user <name>', 'whom it stands for', text(1, MAX_KEY_NAME_CHARACTERS))
    .option(
      '--tenant <name>',
      'whose sessions it sees (default: local)',
      text(1, MAX_KEY_NAME_CHARACTERS),
    )
    .addOption(new Option('--role <role>', 'what it may do').choices(ROLES).default('user'))
    .option('--label <text>', 'a note for people', text(0, MAX_KEY_LABEL_CHARACTERS), '')
    .action((options: NewKey & Output) => withStore((store) => create(store, options)));

  add('list', 'Show all keys, without the secrets.').action((options: Output) =>
    withStore((store) => list(store, options)),
  );

  add('revoke <keyId>', 'Refuse a key from now on.').action((keyId: string, options: Output) =>
    withStore((store) => revoke(store, { keyId, ...options })),
  );
}

/** Straight in the journal nobody else would look. */
const text =
  (least: number, most: number) =>
  (given: string): string => {
    if (given.length >= least && given.length <= most) return given;
    throw new InvalidArgumentError(`Expected ${least} to ${most} characters.`);
  };

async function withStore(work: (store: KeyStore) => Promise<void>): Promise<void> {
  const { readSettings } = await import('./settings.ts');
  const { openKeyStore } = await import('./keys/store.ts');
  const { explaining } = await import('./connect.ts');
  await explaining(async () => {
    await using store = await openKeyStore(await readSettings({ localModels: null }));
    await work(store);
  });
}

async function create(store: KeyStore, { json, ...key }: NewKey & Output): Promise<void> {
  const made = await store.create(key);
  if (json) printJson(made);
  else console.log(`${made.key}\n\nKeep it: it is not shown again. Its id is ${made.keyId}.`);
}

async function list(store: KeyStore, { json }: Output): Promise<void> {
  const keys = await store.list();
  if (json) return keys.forEach(printJson);
  if (keys.length === 0) console.log('There are no keys.');
  for (const { keyId, tenant, user, role, label, revokedAt } of keys) {
    const state = revokedAt === null ? 'valid' : `revoked ${revokedAt}`;
    console.log([keyId, `${tenant}/${user}`, role, state, label].join('  '));
  }
}

async function revoke(
  store: KeyStore,
  { keyId: text, json }: Output & { readonly keyId: string },
): Promise<void> {
  const keyId = parseId(text, 'key');
  await store.revoke(keyId);
  if (json) printJson({ keyId, revoked: true });
  else console.log(`${keyId} is revoked.`);
}
