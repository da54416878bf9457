/** From what a tool returned or threw to what the API is told. */
import type { ArtifactRef } from '../contracts/content.ts';
import { INLINE_BYTES, MAX_ARTIFACT_BYTES } from '../contracts/limits.ts';
import { PerdureError } from '../contracts/perdure-error.ts';
import type { ToolAnswer } from '../contracts/tools.ts';

/** Of a large result, the model reads this much; the rest it can ask for. */
const PREVIEW_CHARACTERS = 8_192;
/** An error's message. */
const MAX_MESSAGE = 10_000;

export const failed = (message: string): ToolAnswer => ({
  status: 'failed',
  message: clean(message).slice(0, MAX_MESSAGE) || 'The tool failed.',
});

/** @param error of the tool: a refusal of the tool's own is one of the call */
export const failure = (error: unknown): ToolAnswer =>
  error instanceof PerdureError && error.code === 'tool_denied'
    ? { status: 'rejected', message: clean(error.message).slice(0, MAX_MESSAGE) }
    : failed(error instanceof Error ? error.message : String(error));

/** The whole result, as it is kept on the disk. Beyond 32 MiB it is a failure that the model reads. */
export function success(value: unknown): ToolAnswer {
  const isText = typeof value === 'string';
  const text = clean(isText ? value : JSON.stringify(value ?? null));
  const size = Buffer.byteLength(text);
  if (size > MAX_ARTIFACT_BYTES)
    return failed(
      `The result has ${size} bytes, and at most ${MAX_ARTIFACT_BYTES} can be given: ask for less at once.`,
    );
  return { status: 'completed', result: (isText ? text : JSON.parse(text)) as Result };
}

type Result = Extract<ToolAnswer, { status: 'completed' }>['result'];

/** As the API takes it: a large result is uploaded first, and its reference sent with a preview. */
export async function deliverable(
  outcome: ToolAnswer,
  upload: (bytes: Uint8Array, mediaType: string) => Promise<ArtifactRef>,
): Promise<ToolAnswer> {
  if (outcome.status !== 'completed') return outcome;
  const { result } = outcome;
  const isText = typeof result === 'string';
  const text = isText ? result : JSON.stringify(result ?? null);
  const bytes = Buffer.from(text);
  if (bytes.length <= INLINE_BYTES) return outcome;
  const artifact = await upload(bytes, isText ? 'text/plain; charset=utf-8' : 'application/json');
  return { status: 'completed', artifact, preview: cutMiddle(text, PREVIEW_CHARACTERS) };
}

/** What every database and client can take: no NUL, no lone surrogates. */
const clean = (text: string): string => text.replaceAll('\0', '\uFFFD').toWellFormed();

function cutMiddle(text: string, characters: number): string {
  const note = `\n[… ${text.length - characters} characters left out …]\n`;
  const half = Math.floor((characters - note.length) / 2);
  return clean(text.slice(0, half) + note + text.slice(text.length - half));
}
