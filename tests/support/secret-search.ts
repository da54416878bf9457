/** Looks for secrets in bytes, in whatever form they may have got there. */

export interface Secret {
  /** What it is, for the report. */
  readonly name: string;
  readonly value: string;
}

export interface Place {
  readonly where: string;
  readonly bytes: Uint8Array | string;
}

/** Shorter pieces stand in other texts by chance. */
const SHORTEST_FORM = 10;

/** As it is, and as encodings that a program may wrap it in; base64 begins at each of three places within a group. */
function formsOf(value: string): readonly string[] {
  const base64 = [0, 1, 2].flatMap((shift) => {
    const shifted = Buffer.from('\0'.repeat(shift) + value).toString('base64');
    // The first and the last group depend on what stands beside it.
    const own = shifted.slice(shift === 0 ? 0 : 4, Math.floor((shift + value.length) / 3) * 4);
    return [own, own.replaceAll('+', '-').replaceAll('/', '_')];
  });
  const hex = Buffer.from(value).toString('hex');
  const forms = [value, encodeURIComponent(value), hex, hex.toUpperCase(), ...base64];
  return [...new Set(forms)].filter((form) => form.length >= SHORTEST_FORM);
}

/** `secret in place`, with what stands around it; empty where none is anywhere. */
export function secretsIn(places: readonly Place[], secrets: readonly Secret[]): string[] {
  return places.flatMap(({ where, bytes }) => {
    const buffer = Buffer.from(bytes as Uint8Array);
    return secrets.flatMap(({ name, value }) =>
      formsOf(value).flatMap((form) => {
        const at = buffer.indexOf(form);
        if (at < 0) return [];
        const around = buffer.toString('latin1', Math.max(0, at - 60), at + form.length + 20);
        return [`${name} in ${where}: …${around.replaceAll(/[^\x20-\x7e]/g, '.')}…`];
      }),
    );
  });
}
