/** What a handler returned, as the API takes it: a large result is uploaded, and its reference sent with its beginning and end. */
import type { ArtifactRef } from '../contracts/content.ts';
import { MAX_ARTIFACT_BYTES, MAX_TOOL_RESULT_BYTES } from '../contracts/limits.ts';
import type { ToolAnswer } from '../contracts/tools.ts';

/** Of a large result, the model reads this much. */
const PREVIEW_CHARACTERS = 8_192;
const MAX_MESSAGE = 10_000;

export const failed = (message: string): ToolAnswer => ({
  status: 'failed',
  message: message.toWellFormed().slice(0, MAX_MESSAGE) || 'The tool failed.',
});

/** The tool has run: none of these is a reason to run it again. */
const spoilt = (why: string): ToolAnswer => failed(`The tool ran, but ${why}`);

export type Upload = (bytes: Uint8Array, mediaType: string) => Promise<ArtifactRef>;

/** @throws what keeps a large result from being stored */
export async function outcomeOf(value: unknown, upload: Upload): Promise<ToolAnswer> {
  let json: string;
  try {
    // JSON has no undefined: a handler that returns nothing has done its work.
    json = JSON.stringify(value ?? null) ?? 'null';
  } catch (error) {
    return spoilt(`its result is not JSON: ${(error as Error).message.split('\n')[0]}`);
  }
  const encoder = new TextEncoder();
  if (encoder.encode(json).length <= MAX_TOOL_RESULT_BYTES)
    return { status: 'completed', result: JSON.parse(json) as never };
  const text = typeof value === 'string' ? value : json;
  const bytes = encoder.encode(text);
  if (bytes.length > MAX_ARTIFACT_BYTES)
    return spoilt(
      `its result has ${bytes.length} bytes, and at most ${MAX_ARTIFACT_BYTES} are kept. Ask for less at once.`,
    );
  const mediaType = typeof value === 'string' ? 'text/plain; charset=utf-8' : 'application/json';
  return {
    status: 'completed',
    artifact: await upload(bytes, mediaType),
    preview: cutMiddle(text),
  };
}

function cutMiddle(text: string): string {
  const note = `\n[… ${text.length - PREVIEW_CHARACTERS} characters left out …]\n`;
  const half = Math.floor((PREVIEW_CHARACTERS - note.length) / 2);
  return (text.slice(0, half) + note + text.slice(text.length - half)).toWellFormed();
}
