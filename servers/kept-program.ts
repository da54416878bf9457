import { join } from 'node:path';
import { defaultCacheDir } from './cache-dir.ts';
import { cached, exists } from './cache.ts';
import type { Report } from './cache.ts';
import type { Found, Link } from './chain.ts';
import { withProgress } from './run.ts';

/** A program that is fetched or built once and then found in the cache. */
export interface KeptProgram {
  /** Name of its folder in the cache, with the version in it. */
  readonly name: string;
  /** Its file in that folder. */
  readonly program: string;
  readonly env: NodeJS.ProcessEnv;
  readonly report: Report;
}

export interface Making {
  /** Said to the person who waits, with the seconds that it has taken so far. */
  readonly what: string;
  /** Leaves the program in the folder, under its own name. */
  readonly build: (folder: string) => Promise<void>;
}

const pathOf = ({ name, program, env }: Omit<KeptProgram, 'report'>): string =>
  join(defaultCacheDir(env), name, program);

/** Finds what an earlier run has kept. */
export function inCache(kept: Omit<KeptProgram, 'report'>): Link {
  const path = pathOf(kept);
  return {
    tried: `the cache (${path})`,
    find: async () => ((await exists(path)) ? { path } : { reason: 'nothing there yet' }),
  };
}

/** Makes the program and keeps it. */
export async function makeAndKeep(kept: KeptProgram, { what, build }: Making): Promise<Found> {
  const { name, env, report } = kept;
  await cached({
    name,
    cacheDir: defaultCacheDir(env),
    report,
    build: (folder) => withProgress(report, what, () => build(folder)),
  });
  return { path: pathOf(kept) };
}
