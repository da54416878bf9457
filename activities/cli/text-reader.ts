/** An answer that is printed as it is; what says that it is complete is no part of it. Pure. */
import type { CliDone } from '../../contracts/cli-providers.ts';
import type { AnswerReader, Said, Understood } from './said.ts';

/** A prompt is short, and a pattern is only tried on this much: it must not hold the worker up. */
const PROMPT_CHARACTERS = 200;
/** Colours and movements of a terminal (ECMA-48 control sequences). */
// oxlint-disable-next-line no-control-regex
const CONTROL = /\u001B(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001B]*(?:\u0007|\u001B\\)|[@-Z\\-_])/g;

interface Ending {
  /** Where the answer ends in `text`; undefined where it goes on. */
  find(text: string): number | undefined;
  /** From here on `text` may be the beginning of an end: it is held back. */
  heldFrom(text: string): number;
}

const NEVER: Ending = { find: () => undefined, heldFrom: (text) => text.length };

/** The marker stands at the beginning of a line; the line break before it belongs to it. */
function byMarker(marker: string): Ending {
  const full = `\n${marker}`;
  return {
    find: (text) => {
      const at = text.indexOf(full);
      return at === -1 ? undefined : at;
    },
    heldFrom: (text) => {
      for (let length = Math.min(full.length - 1, text.length); length > 0; length -= 1)
        if (full.startsWith(text.slice(-length))) return text.length - length;
      return text.length;
    },
  };
}

function byPrompt(source: string): Ending {
  const prompt = new RegExp(`(?:${source})$`);
  return {
    find: (text) => {
      const from = Math.max(text.lastIndexOf('\n') + 1, text.length - PROMPT_CHARACTERS);
      const found = prompt.exec(text.slice(from));
      return found?.[0] ? from + found.index : undefined;
    },
    heldFrom: (text) => {
      const from = text.lastIndexOf('\n') + 1;
      return text.length - from > PROMPT_CHARACTERS ? text.length : from;
    },
  };
}

const endingOf = (done: CliDone, marker: string): Ending => {
  if (done.by === 'marker') return byMarker(marker);
  return done.by === 'prompt' ? byPrompt(done.pattern) : NEVER;
};

export class TextReader implements AnswerReader {
  readonly #ending: Ending;
  /** Not said yet. It begins with a line break that is not the program's, so that a marker may come first. */
  #held = '\n';
  #begun = false;
  #isDone = false;

  constructor(done: CliDone, marker: string) {
    this.#ending = endingOf(done, marker);
  }

  get understood(): Understood {
    return { done: this.#isDone, error: undefined, conversation: undefined, used: undefined };
  }

  push(output: string): readonly Said[] {
    const text = this.#held + output.replace(CONTROL, '').replaceAll('\r\n', '\n');
    const end = this.#ending.find(text);
    this.#isDone = end !== undefined;
    const until = end ?? this.#ending.heldFrom(text);
    this.#held = this.#isDone ? '' : text.slice(until);
    return this.#say(text.slice(0, until));
  }

  end(): readonly Said[] {
    const rest = this.#held;
    this.#held = '';
    return this.#say(rest);
  }

  #say(text: string): Said[] {
    if (text === '') return [];
    const said = this.#begun ? text : text.slice(1);
    this.#begun = true;
    return said === '' ? [] : [{ kind: 'text', text: said }];
  }
}
