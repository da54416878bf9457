/** A chat through a pipe: every line is a message, answered before the next is sent. Answers go to stdout, notices to stderr. */
import type { ConnectionNotice, FollowStep } from '../../client/index.ts';
import { EXIT } from '../exit-codes.ts';
import { explained } from '../connect.ts';
import { answerQuestions } from './piped-answers.ts';
import { linesOf } from './piped-lines.ts';
import { firstModel, modelLine } from './catalogue.ts';
import { Chat } from './chat.ts';
import type { ChatDisplay } from './chat.ts';
import { connectionNotice, noticeOf } from './notices.ts';
import type { ChatStart } from './start.ts';
import { slashCommand } from './slash.ts';
import { createTurnPrinter } from './turn-printer.ts';

export async function piped({ client, options, catalogue, sessionId }: ChatStart): Promise<void> {
  const broken = Promise.withResolvers<never>();
  const chat = new Chat(client, options, displayOf(options.json === true, broken.reject));
  if (sessionId) await chat.resume(sessionId);
  const model = chat.view.session.details.model || firstModel(catalogue, options);
  console.error(modelLine(catalogue, model));
  const interrupt = () => void chat.interrupt().finally(() => process.exit(EXIT.interrupted));
  process.once('SIGINT', interrupt);
  const lines = linesOf(process.stdin);
  try {
    for (let line = await lines.next(); line !== undefined; line = await lines.next()) {
      if (line.trim() === '') continue;
      const slash = slashCommand(line.trim());
      if (slash) {
        const text =
          slash.command?.run(chat, slash.argument, catalogue) ?? `Unknown command ${line}`;
        console.error(await text);
        continue;
      }
      const sending = chat.send(line);
      const answering = answerQuestions({ chat, lines, until: sending });
      const turn = await Promise.race([sending, broken.promise, answering]);
      if (turn?.outcome !== 'completed') process.exitCode = EXIT.failure;
    }
  } finally {
    process.off('SIGINT', interrupt);
    const { session } = chat;
    await chat.leave();
    if (session) console.error(`(go on with: npx perdure chat --session ${session.id})`);
  }
}

function displayOf(asJson: boolean, fail: (error: unknown) => void): ChatDisplay {
  const printer = createTurnPrinter();
  const notice = (text: string | undefined) => text !== undefined && console.error(text);
  const show = ({ event, view }: FollowStep) => {
    const turn = view.turns.find(({ turn }) => turn === event.turn);
    if (turn) process.stdout.write(printer.update(turn));
    notice(noticeOf(event));
  };
  return {
    opened: () => {},
    step: (step) => (asJson ? console.log(JSON.stringify(step.event)) : show(step)),
    connection: (change: ConnectionNotice) => notice(connectionNotice(change)),
    tells: notice,
    failed: (error) => fail(explained(error) ?? error),
  };
}
