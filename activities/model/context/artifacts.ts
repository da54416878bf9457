/** Puts the text of artifacts in place of their references, as far as a model can use it. Images stay: whether one is shown depends on the model. */
import type { Part } from '../../../contracts/content.ts';
import { cutMiddle, RESULT_PREVIEW_CHARACTERS } from '../../../contracts/cut-middle.ts';
import type { MessageId } from '../../../contracts/ids.ts';
import { MAX_ARTIFACT_BYTES } from '../../../contracts/limits.ts';
import { PerdureError } from '../../../contracts/perdure-error.ts';
import type { ToolSettlement } from '../../../contracts/tools.ts';
import type { TranscriptMessage } from '../../../contracts/transcript.ts';
import type { Artifacts } from '../../../journal/port.ts';
import { contentOf } from './result-content.ts';
import type { Completed } from './result-content.ts';
import { saidText } from './said.ts';

const isText = (mediaType: string): boolean =>
  /^text\/|^application\/(?:json|xml|yaml|javascript)\b/.test(mediaType);

export interface ArtifactReader {
  readonly artifacts: Artifacts;
  readonly tenant: string;
}

/** No text has more bytes a token but runs of blanks: what is larger is not worth reading, it would not fit. */
const MOST_BYTES_PER_TOKEN = 16;
/** Of results in one request, newest first, of each of which the model sees a few kilobytes. */
const MAX_RESULT_BYTES = MAX_ARTIFACT_BYTES;

/** Whose text is to fit, and where. */
export interface Reading {
  /** The present one: the person's words of it must fit. */
  readonly turn: MessageId;
  /** The model's window. */
  readonly contextTokens: number;
}

/**
 * The texts of one request, one after the other: what a worker holds of them is bounded, however many are referred to and however large
 * they are. Their sizes are the stored ones: what a reference says of itself may be wrong.
 */
class Texts {
  readonly #reader: ArtifactReader;
  #left: number;

  constructor(reader: ArtifactReader, bytes: number) {
    this.#reader = reader;
    this.#left = bytes;
  }

  /** @returns undefined for what is no text, or is not there @throws {NoRoom} before it is read */
  async read(ref: { artifact: string; mediaType: string }): Promise<string | undefined> {
    if (!isText(ref.mediaType)) return undefined;
    const { artifacts, tenant } = this.#reader;
    const stored = await artifacts.stat(tenant, ref.artifact);
    if (!stored) return undefined;
    if (stored.bytes > this.#left) throw new NoRoom();
    this.#left -= stored.bytes;
    const found = await artifacts.get(tenant, ref.artifact);
    return found && Buffer.from(found.bytes).toString('utf8');
  }
}

class NoRoom extends Error {}

interface Inlining extends Reading {
  readonly words: Texts;
  readonly results: Texts;
}

const tooLong = (): PerdureError =>
  new PerdureError(
    'context_too_long',
    'The files of this message have more text than fits into the window of the model.',
  );

/** @param required whether the request is none without it */
async function inlinePart(texts: Texts, part: Part, required = false): Promise<Part> {
  if (part.type === 'text') return part;
  try {
    const text = await texts.read(part);
    return text === undefined ? part : { type: 'text', text };
  } catch (error) {
    if (!(error instanceof NoRoom)) throw error;
    if (required) throw tooLong();
    return part;
  }
}

async function inlineContent(texts: Texts, content: readonly Part[]): Promise<Completed['result']> {
  const short: Part[] = [];
  for (const part of content) {
    const inlined = await inlinePart(texts, part);
    short.push(
      inlined.type === 'text' && part.type === 'artifact'
        ? { ...inlined, text: cutMiddle(inlined.text, RESULT_PREVIEW_CHARACTERS) }
        : inlined,
    );
  }
  return short.some(({ type }) => type === 'artifact') ? short : saidText(short);
}

async function inlineResult(texts: Texts, settlement: ToolSettlement): Promise<ToolSettlement> {
  if (settlement.outcome !== 'completed') return settlement;
  const content = contentOf(settlement);
  if (content) return { ...settlement, result: await inlineContent(texts, content) };
  if (!settlement.artifact) return settlement;
  if (settlement.result !== undefined) return settlement;
  const part = await inlinePart(texts, { type: 'artifact', ...settlement.artifact });
  return part.type === 'text'
    ? { ...settlement, result: cutMiddle(part.text, RESULT_PREVIEW_CHARACTERS) }
    : settlement;
}

async function inlineRow(row: TranscriptMessage, into: Inlining): Promise<TranscriptMessage> {
  if (row.role === 'user' && row.content.some(({ type }) => type !== 'text')) {
    const content: Part[] = [];
    for (const part of row.content)
      content.push(await inlinePart(into.words, part, row.turn === into.turn));
    return { ...row, content };
  }
  if (row.role === 'tool') {
    const settlement = await inlineResult(into.results, row.settlement);
    return settlement === row.settlement ? row : { ...row, settlement };
  }
  return row;
}

/**
 * The newest rows first: where the room ends, older files stay references.
 * @throws {PerdureError} `context_too_long` where those of the present turn cannot fit, before they are read
 */
export async function inlineArtifacts(
  rows: readonly TranscriptMessage[],
  reader: ArtifactReader,
  reading: Reading,
): Promise<TranscriptMessage[]> {
  const words = new Texts(reader, reading.contextTokens * MOST_BYTES_PER_TOKEN);
  const into = { ...reading, words, results: new Texts(reader, MAX_RESULT_BYTES) };
  const inlined: TranscriptMessage[] = [];
  for (const row of rows.toReversed()) inlined.push(await inlineRow(row, into));
  return inlined.toReversed();
}
