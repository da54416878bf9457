/** Takes what a server was given out of what it says: it may tell its secrets, and nobody may read them there. */

/** Shorter values would blacken ordinary words. */
const SHORTEST_SECRET = 6;

export const hide = (text: string, secrets: readonly string[]): string =>
  secrets
    .filter((secret) => secret.length >= SHORTEST_SECRET)
    .reduce((clean, secret) => clean.replaceAll(secret, '[redacted]'), text);

/** Names of properties are a server's words, too. */
export const hideIn = (value: unknown, secrets: readonly string[]): unknown =>
  JSON.parse(JSON.stringify(value), (_, inner: unknown) => {
    if (typeof inner === 'string') return hide(inner, secrets);
    if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) return inner;
    return Object.fromEntries(Object.entries(inner).map(([key, of]) => [hide(key, secrets), of]));
  });
