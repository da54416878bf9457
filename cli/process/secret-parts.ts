import { readSecretKeys } from '../../config/secret-keys.ts';
import type { SecretLookup } from '../../config/secrets.ts';
import type { Settings } from '../../config/settings.ts';
import type { HiddenValues } from '../../telemetry/redact.ts';
import type { WorkerParts } from '../../worker/start.ts';
import { forPerson } from '../settings.ts';

export interface Secrecy {
  readonly secrets: SecretLookup;
  readonly hidden: HiddenValues;
}

/** What a worker needs to keep tokens. @throws {CommandFailed} where a key is missing or malformed */
export async function secretParts(
  settings: Settings,
  { secrets, hidden }: Secrecy,
): Promise<Pick<WorkerParts, 'secretKeys' | 'hide'>> {
  const secretKeys = await readSecretKeys(settings, secrets).catch((error: unknown) => {
    throw forPerson(error);
  });
  return { secretKeys, hide: (secret) => hidden.hide(secret) };
}
