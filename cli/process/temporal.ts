import type { SecretLookup } from '../../config/secrets.ts';
import type { Settings } from '../../config/settings.ts';
import type { Logger } from '../../telemetry/log.ts';
import { registerSearchAttributes } from '../../servers/search-attributes.ts';
import { Connection } from '@temporalio/client';

/** A connection for one command. The caller closes it. */
export function connectTemporal(
  { temporal }: Pick<Settings, 'temporal'>,
  secrets: SecretLookup,
): Promise<Connection> {
  const apiKey = temporal.apiKeyEnv === undefined ? undefined : secrets(temporal.apiKeyEnv);
  return Connection.connect({
    address: temporal.address,
    tls: temporal.tls,
    ...(apiKey === undefined ? {} : { apiKey }),
  });
}

export interface Registration {
  readonly settings: Settings;
  readonly secrets: SecretLookup;
  readonly log: Logger;
}

/** Some hosted servers let nobody register by this way; then `perdure doctor` says what is missing. */
export async function tryToRegister({ settings, secrets, log }: Registration): Promise<void> {
  try {
    const connection = await connectTemporal(settings, secrets);
    try {
      const added = await registerSearchAttributes(connection, settings.temporal.namespace);
      if (added.length > 0) log.info({ added }, 'search attributes registered');
    } finally {
      await connection.close();
    }
  } catch (error) {
    log.warn({ err: error }, 'search attributes could not be registered');
  }
}
