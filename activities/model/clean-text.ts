/** Text that every database and client can take: no NUL, and surrogate pairs that a provider split between two deltas whole again. Pure. */

const ENDS_WITH_HIGH_SURROGATE = /[\uD800-\uDBFF]$/;

/** NUL and lone surrogates become the replacement character. */
export const cleanText = (text: string): string =>
  text.includes('\0') || !text.isWellFormed()
    ? text.replaceAll('\0', '\uFFFD').toWellFormed()
    : text;

/** Cleans one kind of a stream's text, holding back half a character until its other half comes. */
export class TextCleaner {
  #held = '';

  push(text: string): string {
    const whole = this.#held + text;
    this.#held = ENDS_WITH_HIGH_SURROGATE.test(whole) ? whole.slice(-1) : '';
    return cleanText(whole.slice(0, whole.length - this.#held.length));
  }
}
