/** What happens where the standard output takes no more. */
import { EXIT } from './exit-codes.ts';

/** `perdure sessions events … | head` is no error: whoever read has enough. A full disk is one. */
export function endWithReader(): void {
  process.stdout.once('error', ({ code, message }: NodeJS.ErrnoException) => {
    if (code === 'EPIPE') process.exit(EXIT.ok);
    console.error(`The output cannot be written: ${message}.`);
    process.exit(EXIT.failure);
  });
}
