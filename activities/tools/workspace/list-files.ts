import { stat } from 'node:fs/promises';
import { PerdureError } from '../../../contracts/perdure-error.ts';
import { locate } from './confinement.ts';
import type { WorkspaceRun } from './run.ts';
import { SKIPPED_FOLDERS, walk } from './walk.ts';
import type { Found } from './walk.ts';

/** More lines than that no model reads. */
const MAX_LISTED = 2_000;

const line = ({ kind, place }: Found): string =>
  kind === 'folder' ? `${place.shown}/` : kind === 'link' ? `${place.shown} (link)` : place.shown;

/** Folders are entered only with `recursive`; `.git` and `node_modules` never. */
export async function listFiles(run: WorkspaceRun): Promise<string> {
  const { input, signal } = run;
  const { path = '.', recursive = false } = input as { path?: string; recursive?: boolean };
  const folder = await locate(run, path);
  if (!(await stat(folder.absolute)).isDirectory())
    throw new PerdureError('tool_denied', `"${folder.shown}" is not a folder.`);
  const lines: string[] = [];
  for await (const found of walk(folder, { recursive, skip: SKIPPED_FOLDERS, signal })) {
    if (lines.length === MAX_LISTED) {
      lines.push(`(more than ${MAX_LISTED}: ask for one of the folders)`);
      break;
    }
    lines.push(line(found));
  }
  return lines.length === 0 ? '(empty)' : lines.join('\n');
}
