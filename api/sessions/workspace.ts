import { realpath, stat } from 'node:fs/promises';
import { isAbsolute, relative } from 'node:path';
import { PerdureError } from '../../contracts/perdure-error.ts';

/**
 * The folder's real path. It must lie in one of the roots after every symbolic link is followed, else a link would lead out.
 * @throws invalid_input where there is no such folder; forbidden where it lies outside
 */
export async function resolveWorkspace(
  workspace: string,
  roots: readonly string[],
): Promise<string> {
  if (!isAbsolute(workspace)) throw refused('invalid_input', 'expected an absolute path');
  const allowed = await realPaths(roots);
  const real = await realpath(workspace).catch(() => undefined);
  // Whether a folder outside the roots exists is nobody's business.
  if (!real || !allowed.some((root) => contains(root, real)))
    throw refused('forbidden', `expected an existing folder within ${roots.join(' or ')}`);
  if (!(await stat(real)).isDirectory())
    throw refused('invalid_input', 'expected a folder, this is a file');
  return real;
}

/** No roots configured: the folder of the start. */
export const rootsOf = (configured: readonly string[]): readonly string[] =>
  configured.length > 0 ? configured : [process.cwd()];

async function realPaths(roots: readonly string[]): Promise<string[]> {
  const found = await Promise.all(roots.map((root) => realpath(root).catch(() => undefined)));
  return found.filter((root) => root !== undefined);
}

function contains(root: string, path: string): boolean {
  const inner = relative(root, path);
  return inner === '' || (!inner.startsWith('..') && !isAbsolute(inner));
}

const refused = (code: 'invalid_input' | 'forbidden', text: string): PerdureError =>
  new PerdureError(code, `"workspace": ${text}.`, { field: 'workspace' });
