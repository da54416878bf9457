/** Text that every database, client and provider can take. Pure, no zod. */

/** NUL and lone surrogates become the replacement character; as long as before. */
export const cleanText = (text: string): string =>
  text.includes('\0') || !text.isWellFormed()
    ? text.replaceAll('\0', '\uFFFD').toWellFormed()
    : text;
