import { PerdureError } from '../../../contracts/perdure-error.ts';
import { locate, openInside } from './confinement.ts';
import type { WorkspaceRun } from './run.ts';
import { readText } from './text-file.ts';

/** Larger files are read in their beginning only. */
const MAX_FILE_BYTES = 1024 * 1024;

function linesOf(text: string, first: number | undefined, last: number | undefined): string {
  if (first === undefined && last === undefined) return text;
  return text
    .split('\n')
    .slice((first ?? 1) - 1, last)
    .join('\n');
}

export async function readFile(run: WorkspaceRun): Promise<string> {
  const { path, firstLine, lastLine } = run.input as {
    path: string;
    firstLine?: number;
    lastLine?: number;
  };
  const place = await locate(run, path);
  await using file = await openInside(place);
  const found = await readText(file, MAX_FILE_BYTES);
  if (!found) throw new PerdureError('tool_denied', `"${place.shown}" is not a text file.`);
  const text = linesOf(found.text, firstLine, lastLine);
  return found.truncated
    ? `${text}\n[The file has ${found.bytes} bytes; only its first ${MAX_FILE_BYTES} were read.]`
    : text;
}
