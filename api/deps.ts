/** What the API process is made of; every part gets these instead of reaching for them. */
import type { Logger } from 'pino';
import type { Settings } from '../config/settings.ts';
import type { ModelCatalogue } from '../contracts/settings.ts';
import type { Journal } from '../journal/port.ts';
import type { Arrivals } from './auth/arrivals.ts';
import type { Keyring } from './auth/keyring.ts';
import type { Refusals } from './auth/refusals.ts';
import type { CredentialLogins } from './engine/credential-logins.ts';
import type { SessionEngine } from './engine/engine.ts';
import type { Feeds } from './events/feeds.ts';
import type { Connections } from './limits/connections.ts';
import type { Guesses } from './limits/guesses.ts';
import type { RequestLimits } from './limits/requests.ts';
import type { ApiMetrics } from './metrics.ts';
import type { RunnerFeeds } from './runners/feeds.ts';
import type { SessionAccess } from './sessions/access.ts';
import type { MessagesSent } from './sessions/messages-sent.ts';

/** The part of the settings that the API reads. */
export type ApiSettings = Pick<
  Settings,
  | 'api'
  | 'timeouts'
  | 'limits'
  | 'policies'
  | 'workspaceRoots'
  | 'cliProviders'
  | 'mcpServers'
  | 'credentials'
>;

export interface ApiDeps {
  readonly settings: ApiSettings;
  readonly journal: Journal;
  readonly catalogue: ModelCatalogue;
  readonly engine: SessionEngine;
  readonly logins: CredentialLogins;
  readonly feeds: Feeds;
  readonly runnerFeeds: RunnerFeeds;
  readonly access: SessionAccess;
  readonly messagesSent: MessagesSent;
  readonly keyring: Keyring;
  readonly refusals: Refusals;
  readonly arrivals: Arrivals;
  readonly connections: Connections;
  readonly requests: RequestLimits;
  readonly guesses: Guesses;
  readonly log: Logger;
  readonly metrics: ApiMetrics;
  /** Of the key by which callers are the local owner, too. */
  readonly ownerKeyHash: string | undefined;
  /** True where callers without a key are the local owner. */
  readonly openToLocalOwner: boolean;
}
