/** An answer in JSON lines, as the rules of the program's description find it. Pure. */
import type { CliDone, JsonLines, LineRule } from '../../contracts/cli-providers.ts';
import type { ContentKind } from '../../contracts/events.ts';
import type { AnswerReader, Said, Understood } from './said.ts';
import { firstTaken, matches, parseLine, taken, usedIn } from './json-line.ts';
import type { Line, Used } from './json-line.ts';

/** A result with a whole file in it is a few megabytes; a line without an end is none. */
const MAX_LINE_CHARACTERS = 8 * 1_048_576;

export class LineTooLong extends Error {
  constructor() {
    super(`it printed a line of more than ${MAX_LINE_CHARACTERS} characters`);
    this.name = 'LineTooLong';
  }
}

export class JsonLinesReader implements AnswerReader {
  readonly #output: JsonLines;
  readonly #done: CliDone;
  /** Of an unfinished line: joined once it has its end. */
  #pieces: string[] = [];
  #length = 0;
  readonly #said = { text: false, reasoning: false };
  /** A paragraph of its own is to follow. */
  readonly #gap = { text: false, reasoning: false };
  #whole: string | undefined;
  #error: string | undefined;
  #conversation: string | undefined;
  #used: Used | undefined;
  #isDone = false;

  constructor(output: JsonLines, done: CliDone) {
    this.#output = output;
    this.#done = done;
  }

  get understood(): Understood {
    return {
      done: this.#isDone,
      error: this.#error,
      conversation: this.#conversation,
      used: this.#used,
    };
  }

  push(output: string): readonly Said[] {
    const lines = output.split('\n');
    const said: Said[] = [];
    for (const [index, piece] of lines.entries()) {
      this.#hold(piece);
      if (index < lines.length - 1) said.push(...this.#line());
      if (this.#isDone) break;
    }
    return said;
  }

  end(): readonly Said[] {
    return [...this.#line(), ...this.#close()];
  }

  #hold(piece: string): void {
    this.#pieces.push(piece);
    this.#length += piece.length;
    if (this.#length > MAX_LINE_CHARACTERS) throw new LineTooLong();
  }

  #line(): Said[] {
    const text = this.#pieces.join('').trim();
    this.#pieces = [];
    this.#length = 0;
    if (text === '') return [];
    const line = parseLine(text);
    return line ? this.#read(line) : [{ kind: 'aside', text: `${text}\n` }];
  }

  #read(line: Line): Said[] {
    const { error, conversation, whole, usage } = this.#output;
    this.#error ??= firstTaken(line, error);
    this.#conversation = firstTaken(line, conversation) ?? this.#conversation;
    this.#whole = firstTaken(line, whole) ?? this.#whole;
    this.#used = usedIn(line, usage) ?? this.#used;
    const said = [
      ...this.#takeAll(line, 'reasoning', this.#output.reasoning),
      ...this.#takeAll(line, 'text', this.#output.text),
    ];
    if (this.#done.by !== 'line' || !matches(line, this.#done.when)) return said;
    this.#isDone = true;
    return [...said, ...this.#close()];
  }

  #takeAll(line: Line, kind: ContentKind, rules: readonly LineRule[]): Said[] {
    return rules.flatMap((rule) => {
      const text = taken(line, rule);
      if (text === undefined) return [];
      if (rule.block) this.#gap[kind] = this.#said[kind];
      return text === '' ? [] : [this.#say(kind, text)];
    });
  }

  #say(kind: ContentKind, text: string): Said {
    const gap = this.#gap[kind] ? '\n\n' : '';
    this.#gap[kind] = false;
    this.#said[kind] = true;
    return { kind, text: gap + text };
  }

  #close(): Said[] {
    const whole = this.#whole;
    if (this.#said.text || whole === undefined || this.#error !== undefined) return [];
    return [this.#say('text', whole)];
  }
}
