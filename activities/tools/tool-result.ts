/** A tool's result as the log keeps it: whole where it is short, else a preview and a reference. */
import { INLINE_BYTES } from '../../contracts/limits.ts';
import type { ToolSettlement } from '../../contracts/tools.ts';
import type { Artifacts, Owner } from '../../journal/port.ts';
import { RESULT_PREVIEW_CHARACTERS } from '../model/context/artifacts.ts';
import { cleanText } from '../model/clean-text.ts';
import { cutMiddle } from '../model/context/shrink.ts';

type JsonResult = Extract<ToolSettlement, { outcome: 'completed' }>['result'];

export async function settleResult(
  artifacts: Artifacts,
  owner: Owner,
  value: unknown,
): Promise<ToolSettlement> {
  const isText = typeof value === 'string';
  const text = cleanText(isText ? value : JSON.stringify(value ?? null));
  if (Buffer.byteLength(text) <= INLINE_BYTES)
    return {
      outcome: 'completed',
      result: (isText ? text : JSON.parse(text)) as JsonResult,
    };
  const mediaType = isText ? 'text/plain; charset=utf-8' : 'application/json';
  const artifact = await artifacts.put(owner, Buffer.from(text), { mediaType });
  return { outcome: 'completed', result: cutMiddle(text, RESULT_PREVIEW_CHARACTERS), artifact };
}
