import { homedir } from 'node:os';
import { join } from 'node:path';

/** The folder outside the clone where downloaded and built things are kept. */
export function defaultCacheDir(env: NodeJS.ProcessEnv = process.env): string {
  if (env['PERDURE_CACHE']) return env['PERDURE_CACHE'];
  return join(env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'perdure');
}
