/** Text from a file of the workspace, in bounded memory. */
import type { FileHandle } from 'node:fs/promises';

/** A NUL in the beginning: what git calls binary. */
const SNIFFED_BYTES = 8_000;

export interface TextFile {
  readonly text: string;
  /** Size of the whole file in bytes. */
  readonly bytes: number;
  readonly truncated: boolean;
}

/** At most `maxBytes` of a file. @returns undefined where it is not text */
export async function readText(file: FileHandle, maxBytes: number): Promise<TextFile | undefined> {
  const { size } = await file.stat();
  // One byte more tells a file that grew, or says size 0 as those under /proc do, from a complete one.
  // Not zeroed: what was not read is not looked at.
  const buffer = Buffer.allocUnsafe(maxBytes + 1);
  let filled = 0;
  for (;;) {
    const { bytesRead } = await file.read(buffer, filled, buffer.length - filled, filled);
    filled += bytesRead;
    if (bytesRead === 0 || filled === buffer.length) break;
  }
  if (buffer.subarray(0, Math.min(filled, SNIFFED_BYTES)).includes(0)) return undefined;
  const truncated = filled > maxBytes;
  const bytes = buffer.subarray(0, truncated ? maxBytes : filled);
  // `stream` leaves out a character that the cut has split.
  const text = new TextDecoder('utf-8').decode(bytes, { stream: truncated });
  return { text, bytes: Math.max(size, filled), truncated };
}
