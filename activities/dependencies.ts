/** What the activities of a worker are made of. */
import type { TimeLimits } from '../contracts/limits.ts';
import type { Policies } from '../contracts/policies.ts';
import type { ModelCatalogue } from '../contracts/settings.ts';
import type { Journal } from '../journal/port.ts';
import type { Authenticator } from './auth/authenticator.ts';
import type { ProgramHost } from './cli/host.ts';
import type { ModelResolver, SecretLookup } from './model/providers.ts';
import type { AskModel } from './model/stream-answer.ts';
import type { ActivityLog, ActivityMetrics } from './observed.ts';
import type { ToolRegistry } from './tools/registry.ts';

export interface ActivityDependencies {
  readonly journal: Journal;
  readonly catalogue: ModelCatalogue;
  readonly timeouts: TimeLimits;
  readonly policies: Policies;
  readonly tools: ToolRegistry;
  /** Environment variable → value; the only way to a key. */
  readonly secrets: SecretLookup;
  readonly log: ActivityLog;
  readonly metrics?: ActivityMetrics | undefined;
  /** Signs in to providers; absent: only with their plain keys. */
  readonly authenticator?: Authenticator | undefined;
  /** Instead of the catalogue's providers: scripted models in tests. */
  readonly models?: ModelResolver | undefined;
  /** Instead of calling providers in this thread; for the catalogue's providers only. */
  readonly ask?: AskModel | undefined;
  /** Where the programs of this process live; undefined where it runs none. */
  readonly programs?: ProgramHost | undefined;
}
