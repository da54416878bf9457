/** A text that is too long to be read whole. Pure, no zod. */

/** Of a large result's text, the model reads this much; the rest it can ask for. */
export const RESULT_PREVIEW_CHARACTERS = 8_192;

/**
 * The beginning and the end, with a note of what is missing; never longer than the text.
 * A character that is cut in half becomes the replacement character.
 */
export function cutMiddle(text: string, characters: number): string {
  if (text.length <= characters) return text;
  const note = `\n[… ${text.length - characters} characters left out …]\n`;
  const room = Math.max(0, characters - note.length);
  const head = Math.ceil(room / 2);
  const end = room > head ? text.slice(text.length - (room - head)) : '';
  return (text.slice(0, head) + note + end).toWellFormed();
}
