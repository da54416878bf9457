/** What a server writes to its standard error, in the worker's log: line by line, and not more than people could read. */
import type { ActivityLog } from '../../observed.ts';
import { redact } from '../../model/redaction.ts';

const LINES_A_MINUTE = 100;
const MINUTE_MS = 60_000;
const MAX_LINE_CHARACTERS = 2_000;

interface StderrLogOptions {
  readonly server: string;
  readonly log: ActivityLog;
  /** Values that are not written. */
  readonly secrets: readonly string[];
}

export class StderrLog {
  readonly #options: StderrLogOptions;
  #rest = '';
  #lines = 0;
  #minuteAt = 0;
  #last = '';

  constructor(options: StderrLogOptions) {
    this.#options = options;
  }

  /** The last line, for whoever asks why the server ended. */
  get last(): string {
    return this.#last || this.#clean(this.#rest);
  }

  readonly take = (chunk: Buffer): void => {
    const lines = (this.#rest + chunk.toString('utf8')).split('\n');
    this.#rest = (lines.pop() ?? '').slice(-MAX_LINE_CHARACTERS);
    for (const line of lines) this.#write(this.#clean(line));
  };

  #clean(line: string): string {
    return redact(line.slice(0, MAX_LINE_CHARACTERS).trimEnd(), this.#options.secrets);
  }

  #write(line: string): void {
    if (line === '') return;
    this.#last = line;
    const { log, server } = this.#options;
    if (Date.now() - this.#minuteAt > MINUTE_MS) {
      this.#minuteAt = Date.now();
      this.#lines = 0;
    }
    this.#lines += 1;
    if (this.#lines <= LINES_A_MINUTE) log.info({ mcpServer: server, line }, 'MCP server says');
    else if (this.#lines === LINES_A_MINUTE + 1)
      log.warn({ mcpServer: server }, 'MCP server says more than the log takes; left out for now');
  }
}
