/**
 * Answers to questions from a pipe: a line that is `y`, or `n` with a reason behind it, where a question is open. Any other line is the next
 * message: then the turn waits for whoever decides elsewhere.
 */
import type { TurnView } from '../../client/index.ts';
import type { Chat } from './chat.ts';
import { choiceOf, questionsIn, questionText, rejection } from './questions.ts';
import type { Question } from './questions.ts';
import type { Lines } from './piped-lines.ts';

interface Answering {
  readonly chat: Chat;
  readonly lines: Lines;
  /** The turn of the message that is being answered. */
  readonly until: Promise<TurnView | undefined>;
}

const OVER = Symbol('over');

/** Rejects where a decision cannot be sent; else it goes on for as long as the turn does, and says nothing then. */
export async function answerQuestions({ chat, lines, until }: Answering): Promise<never> {
  const over = until.then(
    () => OVER,
    () => OVER,
  );
  for (;;) {
    const question = await Promise.race([nextQuestion(chat), over]);
    if (typeof question === 'symbol') return forever;
    console.error(questionText(question));
    const line = await Promise.race([lines.peek(), over]);
    if (typeof line === 'symbol') return forever;
    const choice = choiceOf(line?.trim() ?? '');
    if (choice === undefined || choice === 'edit') {
      console.error(`(decide with: npx perdure approvals approve ${question.approval.approvalId})`);
    } else {
      await lines.next();
      const decision = choice === 'why' ? rejection('') : choice;
      await chat.client.approvals.decide(question.approval.approvalId, decision);
    }
    if ((await Promise.race([settled(chat, question), over])) === OVER) return forever;
  }
}

/** Whoever races with it decides. */
const forever = new Promise<never>(() => undefined);

const nextQuestion = async (chat: Chat): Promise<Question> => {
  for (;;) {
    const [question] = questionsIn(chat.view);
    if (question) return question;
    await chat.changed();
  }
};

async function settled(chat: Chat, { approval }: Question): Promise<void> {
  const isOpen = () =>
    questionsIn(chat.view).some((other) => other.approval.approvalId === approval.approvalId);
  while (isOpen()) await chat.changed();
}
