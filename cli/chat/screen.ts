/** The terminal: a line to type in, and output above it that never mixes with what is being typed. */
import { clearScreenDown, createInterface, cursorTo, moveCursor } from 'node:readline';
import type { Interface } from 'node:readline';
import { Writable } from 'node:stream';
import { PASTE_MODE, pasteAware, withBreaks, withoutBreaks } from './pasted.ts';

const PROMPT = '› ';
const DIM = ['\u001b[2m', '\u001b[22m'] as const;

export interface Screen {
  /** Prints; where the prompt is shown it goes out of the way. */
  write(text: string): void;
  /** A line of its own, dimmed. */
  notice(text: string): void;
  /** True where this is the line that was printed last. */
  isLast(line: string): boolean;
  /** Shows the prompt, and with it what was typed meanwhile. */
  prompt(): void;
  /** True where something is typed that was not sent. */
  readonly typing: boolean;
  clearTyping(): void;
  /** Types for the person, who goes on from there. */
  type(text: string): void;
  /** `seen`: the line was shown while it was typed. */
  onLine(listener: (line: string, seen: boolean) => void): void;
  onInterrupt(listener: () => void): void;
  onClose(listener: () => void): void;
  close(): void;
}

export function createScreen(): Screen {
  const { stdin, stdout } = process;
  let shown = false;
  let closed = false;
  let seen = false;
  const paper = paperOn(stdout);
  const gate = gateTo(stdout, () => shown);
  const keys = { input: pasteAware(stdin), output: gate };
  const input: Interface = createInterface({ ...keys, terminal: true, prompt: PROMPT });
  stdout.write(PASTE_MODE.on);

  const hide = () => {
    if (!shown) return;
    moveCursor(stdout, 0, -input.getCursorPos().rows);
    cursorTo(stdout, 0);
    clearScreenDown(stdout);
    shown = false;
  };
  const write = (text: string) => {
    if (text === '' || closed) return;
    hide();
    paper.write(text);
  };
  input.on('line', () => {
    // The terminal has moved to the next line by itself, if it showed the one that was sent.
    if (shown) paper.broken();
    seen = shown;
    shown = false;
  });
  return {
    write,
    notice: (text) => text && write(`${paper.atLineStart ? '' : '\n'}${dimmed(text)}`),
    isLast: (line) => paper.isLast(line),
    prompt() {
      if (shown || closed) return;
      if (!paper.atLineStart) paper.write('\n');
      shown = true;
      input.prompt(true);
    },
    get typing() {
      return input.line.length > 0;
    },
    clearTyping() {
      input.write(null, { ctrl: true, name: 'e' });
      input.write(null, { ctrl: true, name: 'u' });
    },
    type: (text) => input.write(withoutBreaks(text)),
    onLine: (listener) => void input.on('line', (line) => listener(withBreaks(line), seen)),
    onInterrupt: (listener) => void input.on('SIGINT', listener),
    onClose: (listener) => void input.on('close', listener),
    close() {
      hide();
      closed = true;
      stdout.write(PASTE_MODE.off);
      input.close();
      stdin.pause();
    },
  };
}

const dimmed = (text: string): string => `${DIM[0]}${text}${DIM[1]}\n`;

interface Paper {
  readonly atLineStart: boolean;
  isLast(line: string): boolean;
  write(text: string): void;
  /** Somebody else has ended the present line. */
  broken(): void;
}

/** Knows what stands in the line that is being written, and in the one before. */
function paperOn(stdout: NodeJS.WriteStream): Paper {
  let present = '';
  let last = '';
  return {
    get atLineStart() {
      return present === '';
    },
    isLast: (line) => present === '' && line === last,
    write(text) {
      stdout.write(text);
      const lines = `${present}${text}`.split('\n');
      present = lines.pop() ?? '';
      last = lines.at(-1) ?? last;
    },
    broken() {
      present = '';
      last = '';
    },
  };
}

/** Lets readline's echo through only while the prompt is shown: what is typed during an answer appears after it. */
function gateTo(stdout: NodeJS.WriteStream, open: () => boolean): Writable {
  const gate = new Writable({
    decodeStrings: false,
    write(chunk: string, _, done) {
      if (open()) stdout.write(chunk);
      done();
    },
  });
  stdout.on('resize', () => gate.emit('resize'));
  return Object.defineProperty(gate, 'columns', { get: () => stdout.columns });
}
