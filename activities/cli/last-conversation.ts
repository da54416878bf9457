/** What a session's earlier programs left to go on with: the journal knows their conversation, and what its answers took. */
import type { ProgramStart } from '../../contracts/activities.ts';
import type { PerdureEvent } from '../../contracts/events.ts';
import { addSpend, NO_SPEND, type Spend } from '../../contracts/usage.ts';
import type { Journal } from '../../journal/port.ts';

export interface LastConversation {
  /** The program's own id of it; undefined where there is none to go on with. */
  readonly conversation: string | undefined;
  /** All that was recorded of it: a program that counts from its beginning counts from there. */
  readonly used: Spend | undefined;
}

const MANY = 1_000;

export async function lastConversation(
  journal: Pick<Journal, 'events'>,
  { sessionId, provider }: ProgramStart,
): Promise<LastConversation> {
  const conversations = new Conversations(provider);
  for (let after = 0; ;) {
    const page = await journal.events.read(sessionId, {
      ...{ after, limit: MANY, types: ['program.state', 'usage.recorded'] },
    });
    for (const event of page.events) conversations.hear(event);
    if (page.nextAfter <= after) return conversations.last;
    after = page.nextAfter;
  }
}

const NONE: LastConversation = { conversation: undefined, used: undefined };

class Conversations {
  last = NONE;
  readonly #provider: string;
  /** Of the program that is there. */
  #own = NO_SPEND;

  constructor(provider: string) {
    this.#provider = provider;
  }

  hear(event: PerdureEvent): void {
    if (event.type === 'usage.recorded') this.#own = addSpend(this.#own, event.data);
    if (event.type !== 'program.state' || event.data.state !== 'terminated') return;
    const { provider, conversation } = event.data;
    const goesOn = conversation !== undefined && conversation === this.last.conversation;
    const used = addSpend(goesOn ? (this.last.used ?? NO_SPEND) : NO_SPEND, this.#own);
    this.#own = NO_SPEND;
    const known = conversation !== undefined && provider === this.#provider;
    this.last = known ? { conversation, used } : NONE;
  }
}
