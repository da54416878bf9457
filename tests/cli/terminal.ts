// A pseudo-terminal with a `perdure` command in it, and the eyes and fingers of a person.
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { spawn } from '@lydell/node-pty';

const MAIN = fileURLToPath(new URL('../../cli/main.ts', import.meta.url));
const PATIENCE_MS = 120_000;

const KEYS = { 'ctrl-c': '\u0003', 'ctrl-d': '\u0004', 'ctrl-u': '\u0015' };

export interface Terminal extends AsyncDisposable {
  /** Everything that was printed so far, without colours and cursor movements. */
  readonly text: string;
  /** The same with them. */
  readonly raw: string;
  /** Types a line and presses Enter. */
  enter(line: string): void;
  /** As terminals do, which say where a pasted text begins and ends. */
  paste(text: string): void;
  press(key: 'ctrl-c' | 'ctrl-d' | 'ctrl-u'): void;
  /** Waits until `what` is printed, after everything that an earlier `sees` saw. @returns the first group of a pattern */
  sees(what: string | RegExp): Promise<string>;
  /** The exit code. */
  readonly exited: Promise<number>;
}

export function openTerminal(args: readonly string[], env: Record<string, string>): Terminal {
  const pty = spawn(process.execPath, [MAIN, ...args], {
    cols: 200,
    rows: 50,
    cwd: process.cwd(),
    env: { ...process.env, TERM: 'xterm', ...env },
  });
  let text = '';
  let raw = '';
  let seen = 0;
  let wake = () => {};
  pty.onData((data) => {
    raw += data;
    text += stripVTControlCharacters(data).replaceAll('\r\n', '\n');
    wake();
  });
  let running = true;
  const exited = new Promise<number>((resolve) =>
    pty.onExit(({ exitCode }) => {
      running = false;
      wake();
      resolve(exitCode);
    }),
  );
  const find = (what: string | RegExp): string | undefined => {
    const rest = text.slice(seen);
    const match =
      typeof what === 'string' ? (rest.includes(what) ? [what] : null) : what.exec(rest);
    if (!match) return undefined;
    const [whole = '', group] = match;
    seen += rest.indexOf(whole) + whole.length;
    return group ?? whole;
  };
  const sees = async (what: string | RegExp): Promise<string> => {
    const late = AbortSignal.timeout(PATIENCE_MS);
    late.addEventListener('abort', () => wake());
    for (;;) {
      const found = find(what);
      if (found !== undefined) return found;
      if (late.aborted || !running) throw new Error(`never printed: ${what}. Printed:\n${text}`);
      await new Promise<void>((resolve) => (wake = resolve));
    }
  };
  return {
    get text() {
      return text;
    },
    get raw() {
      return raw;
    },
    enter: (line) => pty.write(`${line}\r`),
    paste: (text) => pty.write(`\u001b[200~${text}\u001b[201~`),
    press: (key) => pty.write(KEYS[key]),
    sees,
    exited,
    async [Symbol.asyncDispose]() {
      if (running) pty.kill('SIGKILL');
      await exited;
    },
  };
}
