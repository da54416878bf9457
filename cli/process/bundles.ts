import { join } from 'node:path';
import { defaultCacheDir } from '../../servers/cache-dir.ts';

/** Workflow bundles are kept beside the servers: every data folder of this machine uses the same. */
export const bundles = (): string => join(defaultCacheDir(), 'bundles');
