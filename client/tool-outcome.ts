/** What a handler returned, as the API takes it: a large result is uploaded, and its reference sent with its beginning and end. */
import { cleanText } from '../contracts/clean-text.ts';
import type { ArtifactRef } from '../contracts/content.ts';
import { cutMiddle, RESULT_PREVIEW_CHARACTERS } from '../contracts/cut-middle.ts';
import {
  MAX_ANSWER_MESSAGE_CHARACTERS,
  MAX_ARTIFACT_BYTES,
  MAX_TOOL_RESULT_BYTES,
} from '../contracts/limits.ts';
import type { ToolAnswer } from '../contracts/tools.ts';

/** Why there is no result, in words that the API takes. */
export const answerMessage = (message: string): string =>
  cleanText(message.slice(0, MAX_ANSWER_MESSAGE_CHARACTERS)) || 'The tool failed.';

export const failed = (message: string): ToolAnswer => ({
  status: 'failed',
  message: answerMessage(message),
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
  return uploaded({ text, bytes, isText: typeof value === 'string' }, upload);
}

/** A large result, of which the model reads the beginning and the end. @param isText else it is JSON */
export const uploaded = async (
  { text, bytes, isText }: { text: string; bytes: Uint8Array; isText: boolean },
  upload: Upload,
): Promise<ToolAnswer> => ({
  status: 'completed',
  artifact: await upload(bytes, isText ? 'text/plain; charset=utf-8' : 'application/json'),
  preview: cleanText(cutMiddle(text, RESULT_PREVIEW_CHARACTERS)),
});
