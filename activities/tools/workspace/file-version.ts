/** A text file as it is at one moment, for tools that write what they have read. */
import type { BigIntStats } from 'node:fs';
import { denied, openInside } from './confinement.ts';
import type { Target } from './target.ts';

/** As much as `read_file` shows. */
export const MAX_EDITED_BYTES = 1024 * 1024;

export interface FileVersion {
  readonly stats: BigIntStats;
  /** Undefined where it is not text in UTF-8, or too large. */
  readonly text: string | undefined;
}

/** What cannot be read back as it was would be damaged. */
function decoded(bytes: Buffer): string | undefined {
  if (bytes.includes(0)) return undefined;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** @returns undefined where there is no such file */
export async function versionOf(target: Target): Promise<FileVersion | undefined> {
  if (!target.exists) return undefined;
  await using file = await openInside(target);
  const stats = await file.stat({ bigint: true });
  if (stats.size > MAX_EDITED_BYTES) return { stats, text: undefined };
  return { stats, text: decoded(await file.readFile()) };
}

/** @throws {PerdureError} `tool_denied` where there is no text to be edited */
export async function editableVersionOf(
  target: Target,
): Promise<FileVersion & { readonly text: string }> {
  const version = await versionOf(target);
  if (!version) throw denied(target.shown, 'does not exist in the workspace');
  const { stats, text } = version;
  if (stats.size > MAX_EDITED_BYTES)
    throw denied(target.shown, `has more than ${MAX_EDITED_BYTES} bytes: too large to be edited`);
  if (text === undefined) throw denied(target.shown, 'is not a text file in UTF-8');
  return { stats, text };
}
