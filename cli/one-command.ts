/** A command that asks the API something, prints the answer and ends. */
import type { PerdureClient } from '../client/index.ts';
import { connect, explaining } from './connect.ts';
import type { ConnectOptions } from './connection-options.ts';

export interface Patience {
  /** How long a call waits for an API that does not answer; 0 where a repeat would do something twice. */
  readonly retryForMs: number;
  /** How long one answer may take; the client's own limit where absent. */
  readonly timeoutMs?: number;
}

/** A person who looks something up would rather know at once that nothing answers. */
const LOOKING_UP: Patience = { retryForMs: 2_000 };

export const withClient = (
  options: ConnectOptions,
  work: (client: PerdureClient) => Promise<void>,
  { retryForMs, timeoutMs }: Patience = LOOKING_UP,
): Promise<void> =>
  explaining(async () => {
    using client = connect(options, retryForMs, timeoutMs);
    await work(client);
  });
