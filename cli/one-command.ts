/** A command that asks the API something, prints the answer and ends. */
import type { PerdureClient } from '../client/index.ts';
import { connect, explaining } from './connect.ts';
import type { ConnectOptions } from './connection-options.ts';

/** A person who looks something up would rather know at once that nothing answers. */
const RETRY_FOR_MS = 2_000;

export const withClient = (
  options: ConnectOptions,
  work: (client: PerdureClient) => Promise<void>,
): Promise<void> =>
  explaining(async () => {
    using client = connect(options, RETRY_FOR_MS);
    await work(client);
  });

export const printJson = (value: unknown): void => console.log(JSON.stringify(value));
