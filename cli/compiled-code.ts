import { enableCompileCache } from 'node:module';
import { join } from 'node:path';
import { defaultCacheDir } from '../servers/cache-dir.ts';

/**
 * Node keeps what it compiled, types stripped, and checks that the source is the same. A folder that cannot be written to is no error.
 * Not while coverage is measured, which would see less.
 */
export function keepCompiledCode(): void {
  if (process.env['NODE_V8_COVERAGE']) return;
  // Threads and child processes look at the variable, which a person may have set.
  const folder = (process.env['NODE_COMPILE_CACHE'] ??= join(defaultCacheDir(), 'code'));
  enableCompileCache(folder);
}
