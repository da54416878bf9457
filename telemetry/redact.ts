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

/** Tokens live for an hour or so: more of them than this are not good any more. */
const MAX_LATER = 500;

/** Values that must never be written: the keys that a process starts with, and tokens that it is given later. */
export class HiddenValues {
  readonly #first: readonly string[];
  readonly #later = new Set<string>();
  #forms: readonly string[];

  constructor(first: readonly string[]) {
    this.#first = first;
    this.#forms = formsOf(first);
  }

  /** As JSON writes them, and as it writes JSON in a string, since lines are JSON. */
  get forms(): readonly string[] {
    return this.#forms;
  }

  hide(secret: string): void {
    if (this.#later.has(secret)) return;
    if (this.#later.size >= MAX_LATER) this.#later.delete(this.#later.values().next().value ?? '');
    this.#later.add(secret);
    this.#forms = formsOf([...this.#first, ...this.#later]);
  }
}

const formsOf = (secrets: readonly string[]): readonly string[] =>
  secrets
    .filter((secret) => secret.length >= SHORTEST_SECRET)
    .flatMap((secret) => [...new Set([secret, escaped(secret), escaped(escaped(secret))])])
    .toSorted((a, b) => b.length - a.length);

/** @param secrets values that must never be written, such as the provider keys of this process */
export function createRedactor(
  secrets: readonly string[] | HiddenValues,
): (line: string) => string {
  const hidden = secrets instanceof HiddenValues ? secrets : new HiddenValues(secrets);
  return (line) => {
    const known = hidden.forms.reduce((text, secret) => text.replaceAll(secret, REDACTED), line);
    return SHAPES.reduce((text, [shape, replacement]) => text.replace(shape, replacement), known);
  };
}

const escaped = (text: string): string => JSON.stringify(text).slice(1, -1);
