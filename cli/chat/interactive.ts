/** A chat in the terminal. */
import { explained } from '../connect.ts';
import { oneLine } from '../format.ts';
import { Asking } from './asking.ts';
import { firstModel, modelLine } from './catalogue.ts';
import { Chat } from './chat.ts';
import { displayOn, isTheirs } from './display.ts';
import type { ChatStart } from './start.ts';
import { createScreen } from './screen.ts';
import type { Screen } from './screen.ts';
import { slashCommand } from './slash.ts';

export async function interactive(start: ChatStart): Promise<void> {
  const { client, options, catalogue, sessionId } = start;
  const screen = createScreen();
  const over = Promise.withResolvers<void>();
  const asking = new Asking(screen);
  const fail = (error: unknown) => over.reject(explained(error) ?? error);
  const display = displayOn(screen, asking, fail);
  const chat = new Chat(client, options, display);
  display.chat = chat;
  try {
    const entering = { chat, screen, asking, start };
    if (sessionId) await chat.resume(sessionId);
    const model = chat.view.session.details.model || firstModel(catalogue, options);
    screen.notice(
      `${modelLine(catalogue, model)}\n/help lists commands; Ctrl-C interrupts, twice leaves.`,
    );
    screen.onLine((line, seen) => void entered({ line: line.trim(), seen }, entering));
    screen.onInterrupt(interrupting({ chat, screen, asking }, over.resolve));
    screen.onClose(over.resolve);
    if (isTheirs(chat, asking)) screen.prompt();
    await over.promise;
  } finally {
    screen.close();
    await farewell(chat);
  }
}

interface Line {
  readonly line: string;
  readonly seen: boolean;
}

interface Entering {
  readonly chat: Chat;
  readonly screen: Screen;
  readonly asking: Asking;
  readonly start: ChatStart;
}

/** Never throws: a message that could not be sent is no reason to leave. */
async function entered({ line, seen }: Line, entering: Entering): Promise<void> {
  const { chat, screen, asking, start } = entering;
  try {
    // At once where nothing is asked: the very next key may be Ctrl-C, which means this message.
    if (asking.isOpen && (await asking.take(line, chat))) return;
    const slash = slashCommand(line);
    if (slash) {
      const said = slash.command?.run(chat, slash.argument, start.catalogue);
      screen.notice((await said) ?? `Unknown command ${oneLine(line)}: /help lists them.`);
    } else if (line !== '') {
      await chat.send(line, seen);
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
 * What is typed, where it is the person's turn, is cleared, and an answer to a question begins again. With nothing typed: an answer under
 * way is interrupted; pressed again before that took effect, or twice with nothing under way, it leaves.
 */
function interrupting(
  { chat, screen, asking }: Omit<Entering, 'start'>,
  leave: () => void,
): () => void {
  let pressed: 'idle' | 'busy' | undefined;
  screen.onLine(() => (pressed = undefined));
  return () => {
    const now = chat.busy ? 'busy' : 'idle';
    if (pressed === now) return leave();
    const isClearing = isTheirs(chat, asking) && screen.typing;
    if (isClearing) screen.clearTyping();
    if (asking.back()) return screen.prompt();
    if (isClearing) return;
    pressed = now;
    if (now === 'idle') {
      screen.notice('(Ctrl-C again leaves; the session stays)');
      return screen.prompt();
    }
    screen.notice('(interrupting …)');
    chat.interrupt().catch((error: unknown) => screen.notice(complaint(error)));
  };
}

async function farewell(chat: Chat): Promise<void> {
  const { session, busy, unsent } = chat;
  await chat.leave();
  if (unsent) console.log('Your last message may not have arrived.');
  if (!session) return;
  if (busy && !unsent) console.log('The answer goes on without you.');
  console.log(`Go on with this session: npx perdure chat --session ${session.id}`);
}
