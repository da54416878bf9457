/** A tool's result as the log keeps it: whole where it is short, else a preview and a reference. */
import { INLINE_BYTES, MAX_ARTIFACT_BYTES } from '../../contracts/limits.ts';
import { PerdureError } from '../../contracts/perdure-error.ts';
import type { ToolSettlement } from '../../contracts/tools.ts';
import type { Artifacts, Owner } from '../../journal/port.ts';
import { cleanText } from '../../contracts/clean-text.ts';
import { cutMiddle, RESULT_PREVIEW_CHARACTERS } from '../../contracts/cut-middle.ts';

type JsonResult = Extract<ToolSettlement, { outcome: 'completed' }>['result'];

/** The tool has run: a repeat would not make it better, so nothing here is tried again. */
const spoilt = (why: string): PerdureError =>
  new PerdureError('tool_failed', `The tool ran, but ${why}`);

function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  try {
    // Functions and symbols have no JSON at all.
    return JSON.stringify(value ?? null) ?? 'null';
  } catch (error) {
    throw spoilt(`its result is not JSON: ${(error as Error).message.split('\n')[0]}`);
  }
}

/** @throws {PerdureError} `tool_failed` where the result is no JSON or larger than any artifact */
export async function settleResult(
  artifacts: Artifacts,
  owner: Owner,
  value: unknown,
): Promise<ToolSettlement> {
  const isText = typeof value === 'string';
  const text = cleanText(textOf(value));
  const bytes = Buffer.byteLength(text);
  if (bytes <= INLINE_BYTES)
    return {
      outcome: 'completed',
      result: (isText ? text : JSON.parse(text)) as JsonResult,
    };
  if (bytes > MAX_ARTIFACT_BYTES)
    throw spoilt(
      `its result has ${bytes} bytes, and at most ${MAX_ARTIFACT_BYTES} are kept. Ask for less at once.`,
    );
  const mediaType = isText ? 'text/plain; charset=utf-8' : 'application/json';
  const artifact = await artifacts.put(owner, Buffer.from(text), { mediaType });
  return { outcome: 'completed', result: cutMiddle(text, RESULT_PREVIEW_CHARACTERS), artifact };
}
