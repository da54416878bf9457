/** The API's entry point: everything that it needs is handed in, so that it runs alone or beside a worker. */
import type { Client } from '@temporalio/client';
import type { AddressInfo } from 'node:net';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { ModelCatalogue } from '../contracts/settings.ts';
import type { Journal } from '../journal/port.ts';
import { Arrivals } from './auth/arrivals.ts';
import { isLoopback, readBootstrapKey, refuseOpenDoor } from './auth/bootstrap.ts';
import { Keyring } from './auth/keyring.ts';
import { Refusals } from './auth/refusals.ts';
import { hashSecret } from './auth/secret.ts';
import type { ApiDeps, ApiSettings } from './deps.ts';
import { CredentialLogins } from './engine/credential-logins.ts';
import { SessionEngine } from './engine/engine.ts';
import { Feeds } from './events/feeds.ts';
import { createApp } from './http/app.ts';
import { Connections } from './limits/connections.ts';
import { Guesses } from './limits/guesses.ts';
import { RequestLimits } from './limits/requests.ts';
import { createApiMetrics } from './metrics.ts';
import { RunnerFeeds } from './runners/feeds.ts';
import { SessionAccess } from './sessions/access.ts';
import { MessagesSent } from './sessions/messages-sent.ts';
import { startSweeper, SWEEPING, type Sweeping } from './sweeper.ts';

export interface ApiOptions {
  readonly settings: ApiSettings;
  readonly journal: Journal;
  readonly temporalClient: Client;
  readonly catalogue: ModelCatalogue;
  readonly log: Logger;
  readonly metrics: Registry;
  /** Where the sessions' workers listen; tests have their own. */
  readonly taskQueue?: string | undefined;
  /** Whoever sends it from this machine is the local owner, whether or not others need a key: for whoever started this process. */
  readonly ownerKey?: string | undefined;
  /** What an outage left is looked for this often; tests do not wait as long. */
  readonly sweeping?: Sweeping | undefined;
}

export interface RunningApi {
  /** Such as http://127.0.0.1:7400, without a slash at its end. */
  readonly url: string;
  /** Ends streams with an id to resume from and lets requests finish; leaves journal and Temporal open. */
  close(): Promise<void>;
}

/** @throws where it would be open to strangers, or cannot listen */
export async function startApi(options: ApiOptions): Promise<RunningApi> {
  const { settings, journal, log } = options;
  await readBootstrapKey(settings.api, journal, log);
  await refuseOpenDoor(settings.api, journal);
  const deps = dependencies(options);
  const app = await createApp(deps);
  const { host, port } = settings.api;
  try {
    await app.fastify.listen({ host, port });
  } catch (error) {
    await app.close();
    throw error;
  }
  const stopSweeper = startSweeper(deps, options.sweeping ?? SWEEPING);
  return {
    url: urlOf(host, app.fastify.server.address() as AddressInfo),
    async close() {
      await stopSweeper();
      await app.close();
    },
  };
}

function dependencies(options: ApiOptions): ApiDeps {
  const {
    settings,
    journal,
    temporalClient: client,
    catalogue,
    log,
    taskQueue,
    ownerKey,
  } = options;
  const { api, timeouts } = settings;
  const metrics = createApiMetrics(options.metrics);
  return {
    ...{ settings, journal, catalogue, log, metrics },
    engine: new SessionEngine({ client, updateMs: timeouts.updateMs, taskQueue }),
    logins: new CredentialLogins({ client, taskQueue }),
    feeds: new Feeds(journal.events),
    runnerFeeds: new RunnerFeeds(journal, log),
    access: new SessionAccess(journal.sessions),
    messagesSent: new MessagesSent(journal.events),
    keyring: new Keyring(journal.keys),
    refusals: new Refusals(journal.audit, log, metrics),
    arrivals: new Arrivals(journal.audit, log),
    connections: new Connections(api, metrics),
    requests: new RequestLimits(api.requestsPerMinute),
    guesses: new Guesses(),
    ownerKeyHash: ownerKey && hashSecret(ownerKey),
    openToLocalOwner: isLoopback(api.host) && !api.requireKey,
  };
}

/** Of "all addresses", the one by which this machine reaches itself. */
function urlOf(host: string, { port }: AddressInfo): string {
  const name = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  return `http://${name.includes(':') ? `[${name}]` : name}:${port}`;
}
