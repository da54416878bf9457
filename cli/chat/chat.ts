/** The conversation behind the screen: one session at a time, followed across reconnects; messages that wait for their turn. */
import type { FollowStep, PerdureClient, SessionClient, TurnView } from '../../client/index.ts';
import { EMPTY_CONVERSATION, PerdureError } from '../../client/index.ts';
import type { ConnectionNotice, ConversationView } from '../../client/index.ts';
import { newId } from '../../contracts/ids.ts';
import type { MessageId } from '../../contracts/ids.ts';
import type { PerdureEvent } from '../../contracts/events.ts';
import { apiUrl } from '../connect.ts';
import { withLongTexts } from '../long-texts.ts';
import { ownFolder } from './options.ts';
import type { ChatOptions } from './options.ts';
import { RunnerWatch } from './runner-watch.ts';

/** Turns of a resumed session that are shown again. */
export const SHOWN_AGAIN = 5;

/** What shows the conversation. */
export interface ChatDisplay {
  /** A session was opened; `view` is what it holds already. */
  opened(sessionId: string, view: ConversationView): void;
  step(step: FollowStep): void;
  connection(notice: ConnectionNotice): void;
  /** A line that is no event's. */
  tells(line: string): void;
  /** The session can no longer be followed. */
  failed(error: unknown): void;
}

/** A message from here whose turn is not settled. */
interface Waiting {
  readonly settle: (turn: TurnView | undefined) => void;
  /** Whoever typed it saw what they typed. */
  readonly seen: boolean;
  /** The API has it. */
  arrived: boolean;
}

export class Chat {
  readonly client: PerdureClient;
  readonly options: ChatOptions;
  readonly #display: ChatDisplay;
  readonly #waiting = new Map<MessageId, Waiting>();
  #session: SessionClient | undefined;
  #view = EMPTY_CONVERSATION;
  #stop = new AbortController();
  #following: Promise<void> = Promise.resolve();
  /** The message before is with the API, or is not going to be. */
  #sent: Promise<unknown> = Promise.resolve();
  #change = Promise.withResolvers<void>();

  constructor(client: PerdureClient, options: ChatOptions, display: ChatDisplay) {
    this.client = client;
    this.options = options;
    this.#display = display;
  }

  get session(): SessionClient | undefined {
    return this.#session;
  }

  get view(): ConversationView {
    return this.#view;
  }

  /** True while an answer is under way or about to be. */
  get busy(): boolean {
    return this.#view.session.details.turn !== null || this.#waiting.size > 0;
  }

  /** True where a message of here is not known to have reached the API. */
  get unsent(): boolean {
    return [...this.#waiting.values()].some(({ arrived }) => !arrived);
  }

  /** Goes on with a session from where it is. */
  async resume(sessionId: string): Promise<void> {
    const session = this.client.session(sessionId);
    this.#open(session, await this.#withLongTexts(await session.view()));
  }

  /** Gives up what is being sent and followed; the next message begins a new session. */
  async leave(): Promise<void> {
    this.#stop.abort();
    this.#stop = new AbortController();
    await this.#following;
    for (const { settle } of this.#waiting.values()) settle(undefined);
    this.#waiting.clear();
    this.#session = undefined;
    this.#view = EMPTY_CONVERSATION;
  }

  /**
   * Sends a message behind those before it, in a new session where there is none yet; an ended session is reopened by it.
   * @returns its turn once that is settled; undefined where the message was rejected, removed, or left behind
   */
  async send(text: string, seen = true): Promise<TurnView | undefined> {
    const messageId = newId('msg');
    const settled = new Promise<TurnView | undefined>((settle) =>
      this.#waiting.set(messageId, { settle, seen, arrived: false }),
    );
    const { signal } = this.#stop;
    const sent = this.#sent.then(() => this.#deliver(text, messageId, signal));
    this.#sent = sent.catch(() => undefined);
    try {
      await sent;
    } catch (error) {
      this.#waiting.delete(messageId);
      throw error;
    }
    return settled;
  }

  /** Resolves when the view is another one. */
  changed(): Promise<void> {
    return this.#change.promise;
  }

  /** True where the message was typed here, before the eyes of whoever typed it. */
  wasSeen(messageId: MessageId): boolean {
    return this.#waiting.get(messageId)?.seen === true;
  }

  /** @returns false where nothing is under way */
  async interrupt(): Promise<boolean> {
    if (!this.#session || !this.busy) return false;
    const turn = this.#view.session.details.turn ?? undefined;
    await this.#session.interrupt(turn, { signal: this.#stop.signal });
    return true;
  }

  async #deliver(text: string, messageId: MessageId, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#session) await this.#session.send(text, { messageId, reopen: true, signal });
    else await this.#begin(text, messageId);
    const waiting = this.#waiting.get(messageId);
    if (waiting) waiting.arrived = true;
  }

  async #begin(message: string, messageId: MessageId): Promise<void> {
    const { agent, model, context, workspace, runner } = this.options;
    const wanted = {
      signal: this.#stop.signal,
      message,
      messageId,
      ...(agent && { agent }),
      ...(model && { model }),
      ...(context && { context }),
      ...(runner && { runner }),
    };
    const folder = workspace ?? ownFolder(apiUrl(this.options));
    const start = folder
      ? this.client.start({ ...wanted, workspace: folder })
      : this.client.start(wanted);
    let elsewhere = '';
    const { session } = await start.catch((error: unknown) => {
      if (workspace !== undefined || !isAboutWorkspace(error)) throw error;
      // This folder was not asked for: where the server may not read it, the session does without.
      elsewhere = `(the tools do not work in this folder: ${error.message} /status says in which.)`;
      return this.client.start(wanted);
    });
    this.#open(session, EMPTY_CONVERSATION);
    // On a runner they work in that one's folder anyway.
    if (elsewhere && !runner) this.#display.tells(elsewhere);
  }

  #open(session: SessionClient, view: ConversationView): void {
    this.#session = session;
    this.#view = view;
    this.#display.opened(session.id, view);
    this.#following = this.#follow(session, this.#stop.signal);
  }

  async #follow(session: SessionClient, signal: AbortSignal): Promise<void> {
    const say = (line: string) => this.#display.tells(line);
    const { client } = this;
    const watch = new RunnerWatch({ client, sessionId: session.id, left: signal, say });
    watch.update(this.#view);
    try {
      const onConnection = (notice: ConnectionNotice) => this.#display.connection(notice);
      for await (const step of session.follow({ from: this.#view, signal, onConnection })) {
        this.#view = step.view;
        this.#change.resolve();
        this.#change = Promise.withResolvers();
        this.#display.step({ ...step, event: await this.#wholly(step.event) });
        watch.step(step);
        this.#settle(step);
      }
    } catch (error) {
      this.#display.failed(error);
    }
  }

  /** What another program said in this session; who reads JSON gets the events as they are. */
  async #wholly(event: PerdureEvent): Promise<PerdureEvent> {
    if (this.options.json || event.type !== 'message.accepted') return event;
    if (this.wasSeen(event.data.messageId)) return event;
    const content = await withLongTexts(this.client, event.data.content);
    return { ...event, data: { ...event.data, content } };
  }

  async #withLongTexts(view: ConversationView): Promise<ConversationView> {
    const long = async (turn: TurnView): Promise<TurnView> => {
      const messages = turn.messages.map(async (message) => ({
        ...message,
        content: await withLongTexts(this.client, message.content),
      }));
      return { ...turn, messages: await Promise.all(messages) };
    };
    const shown = await Promise.all(view.turns.slice(-SHOWN_AGAIN).map(long));
    return { ...view, turns: [...view.turns.slice(0, -SHOWN_AGAIN), ...shown] };
  }

  #settle({ event, view }: FollowStep): void {
    if (event.type === 'turn.settled') {
      const turn = view.turns.find(({ turn }) => turn === event.turn);
      for (const { messageId } of turn?.messages ?? []) this.#release(messageId, turn);
    }
    if (event.type === 'message.rejected' || event.type === 'message.removed') {
      this.#release(event.data.messageId, undefined);
    }
  }

  #release(messageId: MessageId, turn: TurnView | undefined): void {
    this.#waiting.get(messageId)?.settle(turn);
    this.#waiting.delete(messageId);
  }
}

const isAboutWorkspace = (error: unknown): error is PerdureError =>
  error instanceof PerdureError && error.field === 'workspace';
