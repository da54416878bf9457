import type { Settings } from '../../config/settings.ts';
import type { Logger } from '../../telemetry/log.ts';
import { registerSearchAttributes } from '../../servers/search-attributes.ts';
import { Connection } from '@temporalio/client';

/** A connection for one command. The caller closes it. */
export function connectTemporal(
  { temporal }: Pick<Settings, 'temporal'>,
  secret: (name: string) => string | undefined,
): Promise<Connection> {
  const apiKey = temporal.apiKeyEnv === undefined ? undefined : secret(temporal.apiKeyEnv);
  return Connection.connect({
    address: temporal.address,
    tls: temporal.tls,
    ...(apiKey === undefined ? {} : { apiKey }),
  });
}

export interface Registration {
  readonly settings: Settings;
  readonly secret: (name: string) => string | undefined;
  readonly log: Logger;
}

/** Some hosted servers let nobody register by this way; then `perdure doctor` says what is missing. */
export async function tryToRegister({ settings, secret, log }: Registration): Promise<void> {
  try {
    const connection = await connectTemporal(settings, secret);
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
