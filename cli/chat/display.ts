/** What a chat in the terminal shows of its session. */
import type { ConversationView, FollowStep, TurnView } from '../../client/index.ts';
import { partsText } from '../../contracts/content.ts';
import { printable } from '../format.ts';
import type { Asking } from './asking.ts';
import { SHOWN_AGAIN } from './chat.ts';
import type { Chat, ChatDisplay } from './chat.ts';
import { connectionNotice, noticeOf } from './notices.ts';
import { createQueued } from './queued.ts';
import type { Screen } from './screen.ts';
import { createTurnPrinter } from './turn-printer.ts';

/** Whether the person is expected to type something. */
export const isTheirs = (chat: Chat, asking: Asking): boolean => !chat.busy || asking.isOpen;

type Display = ChatDisplay & { chat: Chat | undefined };

export function displayOn(screen: Screen, asking: Asking, fail: (error: unknown) => void): Display {
  const printer = createTurnPrinter({ reasoning: true });
  const queued = createQueued();
  const tell = (line: string | undefined) => {
    if (line) screen.notice(line);
    if (display.chat && isTheirs(display.chat, asking)) screen.prompt();
  };
  const display: Display = {
    chat: undefined,
    opened(sessionId, view) {
      queued.reset();
      showAgain(screen, { sessionId, view, print: (turn) => printer.update(turn) });
      asking.update(view);
    },
    step(step: FollowStep) {
      const { event, view } = step;
      const waited = queued.take(step);
      if (
        event.type === 'message.accepted' &&
        (waited || !display.chat?.wasSeen(event.data.messageId))
      )
        screen.write(said(event.data.content));
      const turn = view.turns.find(({ turn }) => turn === event.turn);
      if (turn) screen.write(printer.update(turn));
      if (event.type !== 'message.queued') screen.notice(noticeOf(event) ?? '');
      for (const line of queued.told(view)) screen.notice(line);
      asking.update(view);
      // What settles a message is counted after this step was shown.
      queueMicrotask(() => tell(undefined));
    },
    connection: (change) => tell(connectionNotice(change)),
    tells: tell,
    failed: fail,
  };
  return display;
}

const said = (content: Parameters<typeof partsText>[0]): string =>
  `› ${printable(partsText(content))}\n`;

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
    for (const { content } of turn.messages) screen.write(said(content));
    screen.write(print(turn));
    if (turn.outcome === 'interrupted') screen.notice('(interrupted)');
  }
}
