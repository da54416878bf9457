/** Workers that sign in for real, on a time-skipping server: what they call, where they keep it and what they say can be looked at. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { NativeConnection, Worker } from '@temporalio/worker';
import type { WorkflowHandle } from '@temporalio/client';
import { createAuthenticator } from '../../../activities/auth/create-authenticator.ts';
import { createAuthenticate } from '../../../activities/auth/authenticate.ts';
import type { CredentialCatalogue } from '../../../contracts/credentials.ts';
import { credentialSchema } from '../../../contracts/credentials.ts';
import { newId } from '../../../contracts/ids.ts';
import { CREDENTIAL_CHECK_WORKFLOW } from '../../../contracts/names.ts';
import { POLICIES } from '../../../contracts/policies.ts';
import { providerSchema } from '../../../contracts/settings.ts';
import type { Journal } from '../../../journal/port.ts';
import { openSqliteJournal } from '../../../journal/sqlite.ts';
import { createLog } from '../../../telemetry/log.ts';
import { HiddenValues } from '../../../telemetry/redact.ts';
import type { CredentialCheckResult } from '../../../workflows/credential-check/messages.ts';
import { testBundle } from '../../support/bundle.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { timeSkippingEnv } from '../../support/time-skipping.ts';
import { workflowsPath } from './session-kit.ts';

export interface AuthKitOptions {
  readonly providers?: Record<string, object>;
  readonly credentials: Record<string, object>;
  readonly secrets: Record<string, string>;
  readonly workers?: number;
}

export interface AuthKit extends AsyncDisposable {
  readonly journal: Journal;
  /** All that the workers have logged. */
  readonly logged: readonly string[];
  /** How many attempts each worker has made. */
  readonly taken: readonly number[];
  /** When each attempt began, all workers' in order, by the server's clock: epoch milliseconds. */
  readonly begun: readonly number[];
  start(credential: string, options?: { renew?: true }): Promise<WorkflowHandle>;
  check(credential: string): Promise<CredentialCheckResult>;
  /** Moves the journal's clock. */
  pass(ms: number): void;
}

export const catalogueOf = (credentials: Record<string, object>): CredentialCatalogue =>
  Object.fromEntries(
    Object.entries(credentials).map(([name, each]) => [name, credentialSchema.parse(each)]),
  );

export async function startAuthKit(options: AuthKitOptions): Promise<AuthKit> {
  await using parts = new AsyncDisposableStack();
  const { env } = parts.use(await timeSkippingEnv());
  const folder = parts.use(await temporaryFolder()).path;
  let clock = 1_700_000_000_000;
  const journal = parts.adopt(
    await openSqliteJournal({
      file: join(folder, 'journal.db'),
      synchronous: 'normal',
      now: () => clock,
    }),
    (open) => open.close(),
  );
  const logged: string[] = [];
  const taskQueue = newId('run');
  const taken: number[] = [];
  const begun: number[] = [];
  const workflowBundle = await testBundle(workflowsPath);
  for (let index = 0; index < (options.workers ?? 1); index++) {
    taken.push(0);
    const authenticate = activity(options, { journal, logged });
    // Two workers on one queue need a connection each, as two processes have.
    const connection = parts.adopt(
      await NativeConnection.connect({ address: env.address }),
      (open) => open.close(),
    );
    const worker = await Worker.create({
      shutdownGraceTime: 0,
      ...(index === 0 ? { workflowBundle } : {}),
      connection,
      taskQueue,
      maxConcurrentActivityTaskExecutions: 1,
      activities: {
        authenticate: async (input: Parameters<typeof authenticate>[0]) => {
          taken[index]! += 1;
          begun.push(await env.currentTimeMs());
          return authenticate(input);
        },
      },
    });
    const running = worker.run();
    parts.defer(async () => {
      worker.shutdown();
      await running;
    });
  }
  const start: AuthKit['start'] = (credential, more) =>
    env.client.workflow.start(CREDENTIAL_CHECK_WORKFLOW, {
      workflowId: newId('run'),
      taskQueue,
      args: [{ credential, ...more }],
    });
  const kept = parts.move();
  return {
    journal,
    logged,
    taken,
    begun,
    start,
    check: async (credential) =>
      (await (await start(credential)).result()) as CredentialCheckResult,
    pass: (ms) => void (clock += ms),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

function activity(
  { providers = {}, credentials, secrets }: AuthKitOptions,
  { journal, logged }: { journal: Journal; logged: string[] },
) {
  const hidden = new HiddenValues(Object.values(secrets));
  const log = createLog({
    level: 'debug',
    service: 'test',
    secrets: hidden,
    destination: { write: (line: string) => void logged.push(line) },
  });
  const authenticator = createAuthenticator({
    journal,
    log,
    policies: POLICIES,
    secrets: (name) => secrets[name],
    credentials: catalogueOf(credentials),
    secretKeys: { current: randomBytes(32), old: [] },
    hide: (secret) => hidden.hide(secret),
    catalogue: {
      providers: Object.fromEntries(
        Object.entries(providers).map(([name, each]) => [name, providerSchema.parse(each)]),
      ),
      models: {},
      agents: {},
      defaultModel: 'none',
      defaultAgent: 'none',
    },
  });
  return createAuthenticate({ authenticator, policy: POLICIES.authenticate, log });
}
