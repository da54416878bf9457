/** Exact replacements in a text. Pure. */
export interface Edit {
  readonly old: string;
  readonly new: string;
  /** Every occurrence; otherwise there must be exactly one. */
  readonly all?: boolean | undefined;
}

export type Edited =
  { readonly ok: true; readonly text: string } | { readonly ok: false; readonly problem: string };

function occurrences(text: string, part: string): number {
  let count = 0;
  for (let at = text.indexOf(part); at >= 0; at = text.indexOf(part, at + part.length)) count += 1;
  return count;
}

const QUOTED_CHARACTERS = 60;

const quoted = (text: string): string =>
  JSON.stringify(text.length > QUOTED_CHARACTERS ? `${text.slice(0, QUOTED_CHARACTERS)}…` : text);

function problemWith(text: string, { old, new: by, all }: Edit): string | undefined {
  if (old === '') return '"old" is empty: name the text that is to be replaced';
  if (old === by) return '"old" and "new" are the same';
  const count = occurrences(text, old);
  if (count === 1 || (count > 1 && all)) return undefined;
  if (count > 1)
    return `${quoted(old)} occurs ${count} times: name more of its surroundings, or set "all"`;
  const lineEnds = text.includes('\r\n') && old.includes('\n') && !old.includes('\r\n');
  return `${quoted(old)} does not occur${lineEnds ? ' (the lines of this file end with \\r\\n)' : ''}`;
}

/** One after the other, each on what the ones before left; all of them or none. */
export function applyEdits(text: string, edits: readonly Edit[]): Edited {
  let result = text;
  for (const [index, edit] of edits.entries()) {
    const problem = problemWith(result, edit);
    if (problem !== undefined)
      return { ok: false, problem: edits.length === 1 ? problem : `edit ${index + 1}: ${problem}` };
    // By position, not by a pattern: "$&" in the new text is just text.
    result = edit.all
      ? result.split(edit.old).join(edit.new)
      : result.replace(edit.old, () => edit.new);
  }
  return { ok: true, text: result };
}

/**
 * Whether a text is one that the edits have made, as far as it shows: told after a crash, when nobody knows. `unknown` where a text before
 * and one after may look alike, as with a line that was added beside the one it was found by.
 */
export function alreadyEdited(text: string, edits: readonly Edit[]): boolean | 'unknown' {
  const last = edits.at(-1)?.new ?? '';
  // A text before the edits takes them, by definition; one after them holds what the last one wrote.
  if (applyEdits(text, edits).ok) return last !== '' && !text.includes(last) ? false : 'unknown';
  const back = applyEdits(
    text,
    edits.toReversed().map(({ old, new: by, all }) => ({ old: by, new: old, all })),
  );
  return back.ok && applyEdits(back.text, edits).ok ? true : 'unknown';
}
