/** Begins a chat: in the terminal, or through a pipe. */
import type { PerdureClient } from '../../client/index.ts';
import { connect, explaining } from '../connect.ts';
import { catalogueOf } from './catalogue.ts';
import { chosenRunner } from './chosen-runner.ts';
import { interactive } from './interactive.ts';
import type { ChatOptions } from './options.ts';
import type { ChatStart } from './start.ts';
import { piped } from './piped.ts';

/** Before the first word, a person would rather know at once that nothing answers; later, every restart is waited out. */
const FIRST_RETRY_MS = 2_000;
const RETRY_MS = 300_000;

export const run = (options: ChatOptions): Promise<void> =>
  explaining(async () => {
    using client = connect(options, RETRY_MS);
    const start = await prepare(client, options);
    const inTerminal = process.stdin.isTTY && process.stdout.isTTY && !options.json;
    await (inTerminal ? interactive(start) : piped(start));
  });

async function prepare(client: PerdureClient, options: ChatOptions): Promise<ChatStart> {
  using first = connect(options, FIRST_RETRY_MS);
  const catalogue = await catalogueOf(first);
  const { session, context, runner } = options;
  const active = context ? (await first.contexts.active(context)).sessionId : null;
  const sessionId = session ?? active ?? undefined;
  if (sessionId !== undefined) await first.session(sessionId).get();
  if (runner) console.error(await chosenRunner(first, runner, sessionId));
  return { client, options, catalogue, sessionId };
}
