/** A question that the person in the terminal answers with yes or no. */
import { createInterface } from 'node:readline/promises';
import { CommandFailed, EXIT } from './exit-codes.ts';

/** Questions are asked on standard error, so that what the command prints may go elsewhere. */
export const isSomebodyThere = (): boolean => process.stdin.isTTY && process.stderr.isTTY;

/** Ctrl-D is a no. @throws {CommandFailed} at Ctrl-C */
export async function confirmed(question: string): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const end = new AbortController();
  let interrupted = false;
  terminal.once('close', () => end.abort());
  // It takes Ctrl-C for itself.
  terminal.once('SIGINT', () => {
    interrupted = true;
    end.abort();
  });
  try {
    for (;;) {
      const said = await terminal.question(`${question} [y]es, [n]o: `, { signal: end.signal });
      const word = said.trim().toLowerCase();
      if (word === 'y' || word === 'yes') return true;
      if (word === 'n' || word === 'no') return false;
    }
  } catch (error) {
    if (!end.signal.aborted) throw error;
    if (interrupted) throw new CommandFailed('\nInterrupted.', EXIT.interrupted);
    return false;
  } finally {
    terminal.close();
  }
}
