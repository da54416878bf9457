/** Several sessions in mid-answer, while every process of their fleet is started again, one after the other. */
import type { Cluster } from '../support/cluster.ts';
import type { FaultSession } from './fault-session.ts';
import { openSession } from './fault-session.ts';
import type { Asked } from './turn-events.ts';

interface Open {
  readonly session: FaultSession;
  readonly asked: Asked;
}

export class OpenSessions implements AsyncDisposable {
  readonly #stack: AsyncDisposableStack;
  readonly #open: readonly Open[];

  constructor(stack: AsyncDisposableStack, open: readonly Open[]) {
    this.#stack = stack;
    this.#open = open;
  }

  get sessionIds(): string[] {
    return this.#open.map(({ session }) => session.watcher.sessionId);
  }

  /** Every answer is exact, and so is the next one. */
  async expectAllWhole(): Promise<void> {
    for (const { session, asked } of this.#open) {
      await session.expectAnswer(asked);
      await session.expectOrdinaryTurn(`${asked.label}-after`);
      // The turn was with the last worker from the start, or came to it from the first.
      await session.expectWhole({ [asked.label]: [2, 3] });
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }
}

export async function openSessions(cluster: Cluster, count: number): Promise<OpenSessions> {
  await using stack = new AsyncDisposableStack();
  const open = await Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const session = stack.use(await openSession(cluster));
      return { session, asked: await session.askMidStream(`open${index}`, 100) };
    }),
  );
  return new OpenSessions(stack.move(), open);
}
