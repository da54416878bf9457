/** Text that every database and client can take: no NUL, and surrogate pairs that a provider split between two deltas whole again. Pure. */
import { cleanText } from '../../contracts/clean-text.ts';

const ENDS_WITH_HIGH_SURROGATE = /[\uD800-\uDBFF]$/;

/** In what `JSON.stringify` writes only lone surrogates are escaped so; a backslash before it may be escaped itself. */
const LONE_SURROGATE = /(?<!\\)((?:\\\\)*)\\ud[89a-f][0-9a-f]{2}/g;

/** Half a character in JSON becomes the replacement character: providers refuse a request that has one. */
export const cleanJson = (json: string): string => json.replaceAll(LONE_SURROGATE, '$1\uFFFD');

/** Cleans one kind of a stream's text, holding back half a character until its other half comes. */
export class TextCleaner {
  #held = '';

  push(text: string): string {
    const whole = this.#held + text;
    this.#held = ENDS_WITH_HIGH_SURROGATE.test(whole) ? whole.slice(-1) : '';
    return cleanText(whole.slice(0, whole.length - this.#held.length));
  }
}
