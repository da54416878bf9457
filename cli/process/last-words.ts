/** What nobody caught, in a server process: nothing can be relied on any more, so it ends, but not without a line in its log. */
import type { Logger } from '../../telemetry/log.ts';
import { EXIT } from '../exit-codes.ts';

/** From now on. A rejection that nobody handles comes here too: Node throws it. */
export function writeLastWords(log: Logger): void {
  process.on('uncaughtException', (error, origin) => {
    log.fatal({ err: error, origin }, 'an error that nobody caught ends the process');
    process.exit(EXIT.failure);
  });
}
