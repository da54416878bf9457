/** From what a tool returned or threw to what the API is told. */
import { answerMessage, failed, uploaded } from '../client/tool-outcome.ts';
import type { Upload } from '../client/tool-outcome.ts';
import { cleanText } from '../contracts/clean-text.ts';
import { INLINE_BYTES, MAX_ARTIFACT_BYTES } from '../contracts/limits.ts';
import { PerdureError } from '../contracts/perdure-error.ts';
import type { ToolAnswer } from '../contracts/tools.ts';

/** @param error of the tool: a refusal of the tool's own is one of the call */
export const failure = (error: unknown): ToolAnswer =>
  error instanceof PerdureError && error.code === 'tool_denied'
    ? { status: 'rejected', message: answerMessage(error.message) }
    : failed(error instanceof Error ? error.message : String(error));

/** The whole result, as it is kept on the disk. Beyond 32 MiB it is a failure that the model reads. */
export function success(value: unknown): ToolAnswer {
  const isText = typeof value === 'string';
  const text = cleanText(isText ? value : JSON.stringify(value ?? null));
  const size = Buffer.byteLength(text);
  if (size > MAX_ARTIFACT_BYTES)
    return failed(
      `The result has ${size} bytes, and at most ${MAX_ARTIFACT_BYTES} can be given: ask for less at once.`,
    );
  return { status: 'completed', result: (isText ? text : JSON.parse(text)) as Result };
}

type Result = Extract<ToolAnswer, { status: 'completed' }>['result'];

/** As the API takes it: a large result is uploaded first, and its reference sent with a preview. */
export async function deliverable(outcome: ToolAnswer, upload: Upload): Promise<ToolAnswer> {
  if (outcome.status !== 'completed') return outcome;
  const { result } = outcome;
  const isText = typeof result === 'string';
  const text = isText ? result : JSON.stringify(result ?? null);
  const bytes = Buffer.from(text);
  return bytes.length <= INLINE_BYTES ? outcome : uploaded({ text, bytes, isText }, upload);
}
