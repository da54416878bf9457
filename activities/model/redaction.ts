/** Keys never reach an event, an error or a log line, whatever a provider echoes. Pure. */

const KEY_SHAPES = /\b(?:sk|pk|rk|key|org)-[A-Za-z0-9_*-]{8,}|\bBearer\s+[A-Za-z0-9._~+/=-]{8,}/g;
/** An error's text in an event: what a person reads, far from any payload limit. */
const MAX_ERROR_CHARACTERS = 500;

/** `text` without the given secrets and whatever looks like a key. */
export const redactAll = (text: string, secrets: readonly string[] = []): string =>
  secrets
    .filter((secret) => secret.length >= 4)
    .reduce((all, secret) => all.replaceAll(secret, '[redacted]'), text)
    .replace(KEY_SHAPES, '[redacted]');

/** The same, in a length that a person reads. */
export function redact(text: string, secrets: readonly string[] = []): string {
  const clean = redactAll(text, secrets);
  return clean.length <= MAX_ERROR_CHARACTERS
    ? clean
    : `${clean.slice(0, MAX_ERROR_CHARACTERS - 1)}…`;
}
