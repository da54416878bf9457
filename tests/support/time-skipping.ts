import { TestWorkflowEnvironment } from '@temporalio/testing';
import { inject } from 'vitest';
import { quietTemporal } from './quiet-temporal.ts';
import { SEARCH_ATTRIBUTES } from './search-attributes.ts';

/** `INDEXED_VALUE_TYPE_KEYWORD` of Temporal's API. */
const KEYWORD = 2;

export interface TimeSkipping extends AsyncDisposable {
  readonly env: TestWorkflowEnvironment;
}

/**
 * A time-skipping server of its own (about 3 s to start): skipped time is global to a server, so that two tests at
 * once on one server would move each other's clocks. Start one a file, and run its workflows one after the other.
 */
export async function timeSkippingEnv(): Promise<TimeSkipping> {
  quietTemporal();
  const path = inject('testServerPath');
  const env = await TestWorkflowEnvironment.createTimeSkipping({
    server: { executable: { type: 'existing-path', path } },
  });
  await registerSearchAttributes(env);
  return { env, [Symbol.asyncDispose]: () => env.teardown() };
}

async function registerSearchAttributes(env: TestWorkflowEnvironment): Promise<void> {
  const names = Object.keys(SEARCH_ATTRIBUTES);
  await env.connection.operatorService.addSearchAttributes({
    namespace: env.namespace ?? 'default',
    searchAttributes: Object.fromEntries(names.map((name) => [name, KEYWORD])),
  });
}
