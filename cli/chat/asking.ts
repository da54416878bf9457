/** Asks a person in the terminal whether calls may run, one after the other, and takes the answers. */
import type { ConversationView } from '../../client/index.ts';
import type { ApprovalDecision } from '../../contracts/approvals.ts';
import type { Chat } from './chat.ts';
import { choiceOf, editable, edited, questionsIn, questionText, rejection } from './questions.ts';
import type { Question } from './questions.ts';
import type { Screen } from './screen.ts';

/** Nobody edits more in one line of a terminal. */
const EDITABLE_CHARACTERS = 4_000;

const EDITING = 'Edit the arguments and press Enter; an empty line goes back.';
const TOO_LONG = 'They are too long for a line here: npx perdure approvals approve ID --args …';

export class Asking {
  readonly #screen: Screen;
  #question: Question | undefined;
  #expects: 'choice' | 'reason' | 'arguments' = 'choice';

  constructor(screen: Screen) {
    this.#screen = screen;
  }

  /** True where a person is asked: the prompt is theirs although the chat is busy. */
  get isOpen(): boolean {
    return this.#question !== undefined;
  }

  /** Shows the next question, once the one before is settled, here or elsewhere. */
  update(view: ConversationView): void {
    const [next] = questionsIn(view);
    if (next?.approval.approvalId === this.#question?.approval.approvalId) return;
    this.#question = next;
    this.#expects = 'choice';
    if (next) this.#ask(next);
  }

  /** Back from a reason or from arguments to the question. @returns false where neither is being typed */
  back(): boolean {
    if (!this.#question || this.#expects === 'choice') return false;
    this.#expects = 'choice';
    this.#ask(this.#question);
    return true;
  }

  /** @returns false where the line is no answer, but a message */
  async take(line: string, chat: Chat): Promise<boolean> {
    const question = this.#question;
    if (!question) return false;
    const expects = this.#expects;
    this.#expects = 'choice';
    if (expects === 'reason') return decided(chat, question, rejection(line));
    if (expects === 'arguments') {
      if (line === '') this.#ask(question);
      return line === '' || decided(chat, question, edited(line));
    }
    const choice = choiceOf(line);
    if (choice === undefined) return false;
    if (choice === 'why') {
      this.#expects = 'reason';
      this.#screen.notice('Why not? The model reads it. Enter for no reason.');
    } else if (choice === 'edit') this.#edit(question);
    else await decided(chat, question, choice);
    return true;
  }

  #ask(question: Question): void {
    this.#screen.notice(questionText(question, (line) => this.#screen.isLast(line)));
  }

  #edit(question: Question): void {
    const text = editable(question);
    if (text === '' || text.length > EDITABLE_CHARACTERS) return this.#screen.notice(TOO_LONG);
    this.#expects = 'arguments';
    this.#screen.notice(EDITING);
    this.#screen.prompt();
    this.#screen.type(text);
  }
}

async function decided(
  chat: Chat,
  { approval }: Question,
  decision: ApprovalDecision,
): Promise<true> {
  await chat.client.approvals.decide(approval.approvalId, decision);
  return true;
}
