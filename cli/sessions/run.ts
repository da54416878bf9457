/** What the `sessions` commands do. */
import type { PerdureClient, SessionClient } from '../../client/index.ts';
import type { SessionView } from '../../contracts/session.ts';
import type { SessionState } from '../../contracts/session-state.ts';
import type { PerdureEvent } from '../../contracts/events.ts';
import type { TranscriptMessage } from '../../contracts/transcript.ts';
import { printJson } from '../json-output.ts';
import { withClient } from '../one-command.ts';
import { upTo } from '../pages.ts';
import type { ConnectOptions } from '../connection-options.ts';
import { withLongTexts } from '../long-texts.ts';
import { eventLine, sessionDetails, sessionTable, transcriptText } from '../format.ts';

export interface OneOptions extends ConnectOptions {
  readonly json?: true;
}
export interface ListOptions extends OneOptions {
  readonly state?: SessionState;
  readonly context?: string;
  readonly limit: number;
}
export interface EventsOptions extends OneOptions {
  readonly follow?: true;
  readonly after: number;
}

export const list = (options: ListOptions): Promise<void> =>
  withClient(options, async (client) => {
    const { state, context, limit, json } = options;
    const items: readonly SessionView[] = await upTo(limit, (page) =>
      client.call((trpc, call) => trpc.session.list.query({ state, context, ...page }, call)),
    );
    if (json) return items.forEach(printJson);
    console.log(
      items.length > 0 ? sessionTable(items) : 'No sessions. Begin one with: npx perdure chat',
    );
  });

export const show = (id: string, options: OneOptions): Promise<void> =>
  withSession(id, options, async (session) => {
    const found = await session.get();
    if (options.json) return printJson(found);
    console.log(sessionDetails(found));
  });

export const stop = (id: string, options: OneOptions): Promise<void> =>
  withSession(id, options, async (session) => {
    const stopped = await session.stop();
    if (options.json) return printJson(stopped);
    console.log(`Stopping ${id}. Go on with it by: npx perdure chat --session ${id}`);
  });

export const transcript = (id: string, options: OneOptions): Promise<void> =>
  withClient(options, async (client) => {
    for await (const message of client.session(id).transcript()) {
      if (options.json) printJson(message);
      else console.log(transcriptText(await wholly(client, message)));
    }
  });

/** What a person said, also where it was too long for a message. */
const wholly = async (
  client: PerdureClient,
  message: TranscriptMessage,
): Promise<TranscriptMessage> =>
  message.role === 'user'
    ? { ...message, content: await withLongTexts(client, message.content) }
    : message;

export const events = (id: string, options: EventsOptions): Promise<void> =>
  withSession(id, options, async (session) => {
    const { after, follow, json } = options;
    const print = (event: PerdureEvent) =>
      json ? printJson(event) : console.log(eventLine(event));
    if (!follow) {
      for await (const event of session.history({ after })) print(event);
      return;
    }
    const stop = new AbortController();
    const onSignal = () => stop.abort();
    process.once('SIGINT', onSignal);
    try {
      const onConnection = ({ type }: { type: string }) =>
        console.error(type === 'lost' ? '(connection lost; trying again)' : '(connected again)');
      for await (const event of session.events({ after, signal: stop.signal, onConnection })) {
        print(event);
      }
    } finally {
      process.off('SIGINT', onSignal);
    }
  });

const withSession = (
  id: string,
  options: ConnectOptions,
  work: (session: SessionClient) => Promise<void>,
): Promise<void> => withClient(options, (client) => work(client.session(id)));
