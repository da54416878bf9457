/** Tells two contents apart where no cryptography is: within a run, of two messages under one id. Pure. */
import type { Part } from '../../contracts/content.ts';

/**
 * FNV-1a with 32 bits over UTF-16 units (Fowler, Noll and Vo). Two contents in four billion pairs look the same: then the later one
 * is dropped as a repeat.
 */
export function contentHash(content: readonly Part[]): number {
  const text = JSON.stringify(content);
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++)
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return hash;
}
