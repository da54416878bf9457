/** The lines of a pipe, one after the other; the next one can be looked at before it is taken. */
import { createInterface } from 'node:readline';

export interface Lines {
  /** Undefined at the end. */
  next(): Promise<string | undefined>;
  peek(): Promise<string | undefined>;
}

export function linesOf(input: NodeJS.ReadableStream): Lines {
  const iterator = createInterface({ input })[Symbol.asyncIterator]();
  let ahead: Promise<string | undefined> | undefined;
  const read = async (): Promise<string | undefined> => {
    const { value, done } = await iterator.next();
    return done ? undefined : value;
  };
  return {
    next() {
      const line = ahead ?? read();
      ahead = undefined;
      return line;
    },
    peek: () => (ahead ??= read()),
  };
}
