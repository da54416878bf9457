/**
 * What is pasted is one message, however many lines it has: a terminal in bracketed paste mode says where it begins and ends, and a line
 * break in it is a sign in the line that is typed until that is sent.
 */
import { Transform } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';

const BEGIN = '\u001b[200~';
const END = '\u001b[201~';
const BREAK = '⏎';

export const PASTE_MODE = { on: '\u001b[?2004h', off: '\u001b[?2004l' } as const;

/** The line that was typed, as it is meant. */
export const withBreaks = (line: string): string => line.replaceAll(BREAK, '\n');

/** The way into a line that is typed: on one line, and without what a terminal would act on. */
export const withoutBreaks = (text: string): string => text.replace(/\r\n?|\n/g, BREAK);

/** The end of `text` that may be the beginning of `sign`, the escape character alone not: that is a key. */
function unfinished(text: string, sign: string): number {
  for (let length = Math.min(sign.length - 1, text.length); length > 2; length -= 1)
    if (sign.startsWith(text.slice(-length))) return length;
  return 0;
}

/** Keys as they come → keys in which line breaks of pasted text are signs. What ends a pasted text is left out: Enter sends it. */
export function createPasteReader(): (keys: string) => string {
  let inside = false;
  let rest = '';
  return (keys) => {
    let text = rest + keys;
    let out = '';
    for (;;) {
      const sign = inside ? END : BEGIN;
      const at = text.indexOf(sign);
      if (at < 0) break;
      const before = text.slice(0, at);
      out += inside ? withoutBreaks(before.replace(/[\r\n]+$/, '')) : before;
      text = text.slice(at + sign.length);
      inside = !inside;
    }
    // A pasted text goes in whole.
    const kept = inside ? text.length : unfinished(text, BEGIN);
    rest = text.slice(text.length - kept);
    return out + text.slice(0, text.length - kept);
  };
}

/** Between the terminal and readline. */
export function pasteAware(stdin: NodeJS.ReadStream): NodeJS.ReadableStream {
  const read = createPasteReader();
  const decoder = new StringDecoder();
  const keys = new Transform({
    transform(chunk: Buffer, _, done) {
      done(null, read(decoder.write(chunk)));
    },
  });
  const setRawMode = (mode: boolean) => stdin.setRawMode(mode);
  return stdin.pipe(Object.assign(keys, { setRawMode }));
}
