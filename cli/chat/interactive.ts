/** A chat in the terminal. */
import type { ConversationView, FollowStep, TurnView } from '../../client/index.ts';
import { partsText } from '../../contracts/content.ts';
import { explained } from '../connect.ts';
import { oneLine, printable } from '../format.ts';
import { Asking } from './asking.ts';
import { firstModel, modelLine } from './catalogue.ts';
import { Chat, SHOWN_AGAIN } from './chat.ts';
import type { ChatDisplay } from './chat.ts';
import { connectionNotice, noticeOf } from './notices.ts';
import type { ChatStart } from './start.ts';
import { createScreen } from './screen.ts';
import type { Screen } from './screen.ts';
import { slashCommand } from './slash.ts';
import { createTurnPrinter } from './turn-printer.ts';

export async function interactive(start: ChatStart): Promise<void> {
  const { client, options, catalogue, sessionId } = start;
  const screen = createScreen();
  const over = Promise.withResolvers<void>();
  const asking = new Asking(screen);
  const fail = (error: unknown) => over.reject(explained(error) ?? error);
  const display = displayOf(screen, asking, fail);
  const chat = new Chat(client, options, display);
  display.chat = chat;
  try {
    if (sessionId) await chat.resume(sessionId);
    const model = chat.view.session.details.model || firstModel(catalogue, options);
    screen.notice(
      `${modelLine(catalogue, model)}\n/help lists commands; Ctrl-C interrupts, twice leaves.`,
    );
    screen.onLine((line) => void entered(line.trim(), { chat, screen, asking, start }));
    screen.onInterrupt(interrupting(chat, screen, over.resolve));
    screen.onClose(over.resolve);
    if (isTheirs(chat, asking)) screen.prompt();
    await over.promise;
  } finally {
    screen.close();
    await farewell(chat);
  }
}

interface Entering {
  readonly chat: Chat;
  readonly screen: Screen;
  readonly asking: Asking;
  readonly start: ChatStart;
}

/** Whether the person is expected to type something. */
const isTheirs = (chat: Chat, asking: Asking): boolean => !chat.busy || asking.isOpen;

/** Never throws: a message that could not be sent is no reason to leave. */
async function entered(line: string, entering: Entering): Promise<void> {
  const { chat, screen, asking, start } = entering;
  try {
    if (await asking.take(line, chat)) return;
    const slash = slashCommand(line);
    if (slash) {
      const said = slash.command?.run(chat, slash.argument, start.catalogue);
      screen.notice((await said) ?? `Unknown command ${oneLine(line)}: /help lists them.`);
    } else if (line !== '') {
      await chat.send(line);
    }
  } catch (error) {
    screen.notice(complaint(error));
  } finally {
    if (isTheirs(chat, asking)) screen.prompt();
  }
}

/** What was given up because the person left is not worth a word. */
function complaint(error: unknown): string {
  if (error instanceof Error && error.name === 'AbortError') return '';
  return `✗ ${(explained(error) ?? (error as Error)).message}`;
}

/**
 * While an answer is under way: interrupts it; pressed again before that took effect, leaves. With nothing under way: clears what is typed,
 * else leaves when pressed twice.
 */
function interrupting(chat: Chat, screen: Screen, leave: () => void): () => void {
  let pressed: 'idle' | 'busy' | undefined;
  screen.onLine(() => (pressed = undefined));
  return () => {
    const now = chat.busy ? 'busy' : 'idle';
    if (pressed === now) return leave();
    if (now === 'idle' && screen.typing) return screen.clearTyping();
    pressed = now;
    if (now === 'idle') {
      screen.notice('(Ctrl-C again leaves; the session stays)');
      return screen.prompt();
    }
    screen.notice('(interrupting …)');
    chat.interrupt().catch((error: unknown) => screen.notice(complaint(error)));
  };
}

type Display = ChatDisplay & { chat: Chat | undefined };

function displayOf(screen: Screen, asking: Asking, fail: (error: unknown) => void): Display {
  const printer = createTurnPrinter({ reasoning: true });
  const display: Display = {
    chat: undefined,
    opened(sessionId, view) {
      showAgain(screen, { sessionId, view, print: (turn) => printer.update(turn) });
      asking.update(view);
    },
    step({ event, view }: FollowStep) {
      if (event.type === 'message.accepted' && !display.chat?.isMine(event.data.messageId)) {
        screen.write(`› ${printable(partsText(event.data.content))}\n`);
      }
      const turn = view.turns.find(({ turn }) => turn === event.turn);
      if (turn) screen.write(printer.update(turn));
      const notice = noticeOf(event);
      // A message that waits can wait to be told of: an answer is under way, and its line stays whole.
      if (notice) screen[event.type === 'message.queued' ? 'aside' : 'notice'](notice);
      asking.update(view);
      // What settles a message is counted after this step was shown.
      queueMicrotask(() => display.chat && isTheirs(display.chat, asking) && screen.prompt());
    },
    connection(change) {
      const notice = connectionNotice(change);
      if (notice) screen.notice(notice);
      if (display.chat && isTheirs(display.chat, asking)) screen.prompt();
    },
    failed: fail,
  };
  return display;
}

interface Shown {
  readonly sessionId: string;
  readonly view: ConversationView;
  readonly print: (turn: TurnView) => string;
}

function showAgain(screen: Screen, { sessionId, view, print }: Shown): void {
  screen.notice(`session ${sessionId}`);
  const earlier = view.turns.length - SHOWN_AGAIN;
  if (earlier > 0)
    screen.notice(`(${earlier} earlier turns: npx perdure sessions transcript ${sessionId})`);
  for (const turn of view.turns.slice(-SHOWN_AGAIN)) {
    for (const { content } of turn.messages) screen.write(`› ${printable(partsText(content))}\n`);
    screen.write(print(turn));
    if (turn.outcome === 'interrupted') screen.notice('(interrupted)');
  }
}

async function farewell(chat: Chat): Promise<void> {
  const { session, busy } = chat;
  await chat.leave();
  if (!session) return;
  if (busy) console.log('The answer goes on without you.');
  console.log(`Go on with this session: npx perdure chat --session ${session.id}`);
}
