import { locate, openInside } from './confinement.ts';
import type { Place } from './confinement.ts';
import type { WorkspaceRun } from './run.ts';
import { readText } from './text-file.ts';
import { SKIPPED_FOLDERS, walk } from './walk.ts';

/** Larger files are hardly written by people. */
const MAX_FILE_BYTES = 1024 * 1024;
const MAX_MATCHES = 200;
/** Of a line, around where it matches: minified files have lines of a megabyte. */
const LINE_CHARACTERS = 200;

function excerpt(line: string, at: number): string {
  const start = Math.max(0, at - LINE_CHARACTERS / 4);
  return line.slice(start, start + LINE_CHARACTERS).trim();
}

function matchesIn(place: Place, text: string, query: string): string[] {
  return text.split('\n').flatMap((line, index) => {
    const at = line.toLowerCase().indexOf(query);
    return at < 0 ? [] : [`${place.shown}:${index + 1}: ${excerpt(line, at)}`];
  });
}

/** A file that may not be read, vanished or is no text has no matches. */
async function search(place: Place, query: string): Promise<string[]> {
  try {
    await using file = await openInside(place);
    const found = await readText(file, MAX_FILE_BYTES);
    return found ? matchesIn(place, found.text, query) : [];
  } catch {
    return [];
  }
}

async function* filesIn(place: Place, signal: AbortSignal): AsyncGenerator<Place> {
  for await (const found of walk(place, { recursive: true, skip: SKIPPED_FOLDERS, signal }))
    if (found.kind === 'file') yield found.place;
}

export async function searchFiles(run: WorkspaceRun): Promise<string> {
  const { input, signal } = run;
  const { query, path = '.' } = input as { query: string; path?: string };
  const folder = await locate(run, path);
  const matches: string[] = [];
  for await (const place of filesIn(folder, signal)) {
    signal.throwIfAborted();
    matches.push(...(await search(place, query.toLowerCase())));
    if (matches.length >= MAX_MATCHES) break;
  }
  if (matches.length === 0) return `Nothing contains "${query}".`;
  const shown = matches.slice(0, MAX_MATCHES);
  if (matches.length >= MAX_MATCHES)
    shown.push(`(stopped at ${MAX_MATCHES} matches: search for something rarer, or in a folder)`);
  return shown.join('\n');
}
