/** Takes secrets out of a finished log line: whatever way a secret came in, it does not get out. Pure. */

const REDACTED = '[redacted]';
/** Shorter values would blacken ordinary words. */
const SHORTEST_SECRET = 6;

const SHAPES: readonly (readonly [RegExp, string])[] = [
  // Our own keys, and those of the providers.
  [/\bpdk_[A-Za-z0-9_-]{6,}/g, REDACTED],
  [/\b(?:sk|pk|rk|key|org)-[A-Za-z0-9_*-]{8,}/g, REDACTED],
  [/\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]{6,}/gi, `$1 ${REDACTED}`],
  // Whole headers, with the quotes that JSON puts around a string (escaped ones where it is nested).
  [
    /("(?:authorization|cookie|set-cookie|x-api-key|api-?key)\\*"\s*:\s*\\*")[^"\\]*/gi,
    `$1${REDACTED}`,
  ],
  // Passwords in URLs.
  [/(\b[a-z][a-z0-9+.-]*:\/\/[^\s:/@"]*:)[^\s@"]+@/gi, `$1${REDACTED}@`],
];

/** @param secrets values that must never be written, such as the provider keys of this process */
export function createRedactor(secrets: readonly string[]): (line: string) => string {
  const values = secrets
    .filter((secret) => secret.length >= SHORTEST_SECRET)
    // As JSON writes them, and as it writes JSON in a string, since lines are JSON.
    .flatMap((secret) => [...new Set([secret, escaped(secret), escaped(escaped(secret))])])
    .toSorted((a, b) => b.length - a.length);
  return (line) => {
    const known = values.reduce((text, secret) => text.replaceAll(secret, REDACTED), line);
    return SHAPES.reduce((text, [shape, replacement]) => text.replace(shape, replacement), known);
  };
}

const escaped = (text: string): string => JSON.stringify(text).slice(1, -1);
