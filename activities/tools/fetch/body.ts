/** The body of an answer as text: unpacked, and never more of it than a limit. */
import type { IncomingMessage } from 'node:http';
import { pipeline } from 'node:stream';
import type { Readable, Transform } from 'node:stream';
import { TextDecoder } from 'node:util';
import {
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createZstdDecompress,
} from 'node:zlib';
import { PerdureError } from '../../../contracts/perdure-error.ts';

const UNPACK: Readonly<Record<string, () => Transform>> = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
  zstd: createZstdDecompress,
};

/** Packed twice is a mistake, more often an attack. */
const MAX_ENCODINGS = 2;

function unpacked(answer: IncomingMessage): Readable {
  const encodings = (answer.headers['content-encoding'] ?? '')
    .split(',')
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== '' && name !== 'identity');
  if (encodings.length > MAX_ENCODINGS) throw unknown(encodings);
  // The last one was applied last.
  const steps = encodings.toReversed().map((name) => {
    if (!Object.hasOwn(UNPACK, name)) throw unknown(encodings);
    return (UNPACK[name] as () => Transform)();
  });
  // Errors reach the reader through the last stream, which is destroyed with them.
  return steps.reduce<Readable>((from, step) => pipeline(from, step, () => undefined), answer);
}

const unknown = (encodings: readonly string[]): PerdureError =>
  new PerdureError('tool_failed', `The answer is packed as ${encodings.join(', ')}.`);

export interface Body {
  readonly bytes: Buffer;
  readonly truncated: boolean;
}

/** At most `maxBytes` after unpacking; what is left over is not even received. */
export async function readBody(answer: IncomingMessage, maxBytes: number): Promise<Body> {
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of unpacked(answer) as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      length += chunk.length;
      if (length > maxBytes) break;
    }
  } finally {
    answer.destroy();
  }
  const bytes = Buffer.concat(chunks);
  return { bytes: bytes.subarray(0, maxBytes), truncated: length > maxBytes };
}

/** What a model can read. A missing type is looked at. */
const READABLE =
  /^(text\/.*|application\/(.*\+)?(json|xml|yaml|x-yaml|toml|javascript|x-javascript|ecmascript|ld\+json|x-ndjson|jsonl|sql|graphql|rtf|x-sh))$/;

export interface MediaType {
  /** In lower case, without parameters; empty where the answer does not say. */
  readonly name: string;
  readonly charset: string | undefined;
}

export function mediaTypeOf(answer: IncomingMessage): MediaType {
  const [name = '', ...parameters] = (answer.headers['content-type'] ?? '').split(';');
  const charset = parameters
    .map((parameter) => /^\s*charset\s*=\s*"?([^"\s]+)"?\s*$/i.exec(parameter)?.[1])
    .find((found) => found !== undefined);
  return { name: name.trim().toLowerCase(), charset };
}

/** @throws {PerdureError} `tool_failed` for what is no text */
export function checkReadable({ name }: MediaType): void {
  if (name !== '' && !READABLE.test(name))
    throw new PerdureError('tool_failed', `The answer is ${name}: only text is fetched.`);
}

function decoderFor(charset: string | undefined): TextDecoder {
  try {
    return new TextDecoder(charset ?? 'utf-8');
  } catch {
    return new TextDecoder('utf-8');
  }
}

/** A NUL in the beginning: no text, whatever the headers say. */
const SNIFFED_BYTES = 8_000;

/** @throws {PerdureError} `tool_failed` for what is no text */
export function decode({ bytes }: Body, { charset }: MediaType): string {
  const wide = charset !== undefined && /^(utf-?16|utf-?32|ucs-?2)/i.test(charset);
  if (!wide && bytes.subarray(0, SNIFFED_BYTES).includes(0))
    throw new PerdureError('tool_failed', 'The answer is no text.');
  return decoderFor(charset).decode(bytes);
}
