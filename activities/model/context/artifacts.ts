/** Puts the text of artifacts in place of their references, as far as a model can use it. Images stay: whether one is shown depends on the model. */
import type { Part } from '../../../contracts/content.ts';
import type { ToolSettlement } from '../../../contracts/tools.ts';
import type { TranscriptMessage } from '../../../contracts/transcript.ts';
import type { Artifacts } from '../../../journal/port.ts';
import { contentOf } from './result-content.ts';
import type { Completed } from './result-content.ts';
import { saidText } from './said.ts';
import { cutMiddle } from './shrink.ts';

/** Of a large tool result, the model sees this much; the rest it can ask for. */
export const RESULT_PREVIEW_CHARACTERS = 8_192;

const isText = (mediaType: string): boolean =>
  /^text\/|^application\/(?:json|xml|yaml|javascript)\b/.test(mediaType);

export interface ArtifactReader {
  readonly artifacts: Artifacts;
  readonly tenant: string;
}

async function textOf(
  reader: ArtifactReader,
  part: { artifact: string; mediaType: string },
): Promise<string | undefined> {
  if (!isText(part.mediaType)) return undefined;
  const found = await reader.artifacts.get(reader.tenant, part.artifact);
  return found && Buffer.from(found.bytes).toString('utf8');
}

async function inlinePart(reader: ArtifactReader, part: Part): Promise<Part> {
  if (part.type === 'text') return part;
  const text = await textOf(reader, part);
  return text === undefined ? part : { type: 'text', text };
}

async function inlineContent(
  reader: ArtifactReader,
  content: readonly Part[],
): Promise<Completed['result']> {
  const parts = await Promise.all(content.map((part) => inlinePart(reader, part)));
  const short = parts.map((part, index) =>
    part.type === 'text' && content[index]?.type === 'artifact'
      ? { ...part, text: cutMiddle(part.text, RESULT_PREVIEW_CHARACTERS) }
      : part,
  );
  return short.some(({ type }) => type === 'artifact') ? short : saidText(short);
}

async function inlineResult(
  reader: ArtifactReader,
  settlement: ToolSettlement,
): Promise<ToolSettlement> {
  if (settlement.outcome !== 'completed') return settlement;
  const content = contentOf(settlement);
  if (content) return { ...settlement, result: await inlineContent(reader, content) };
  if (!settlement.artifact) return settlement;
  if (settlement.result !== undefined) return settlement;
  const text = await textOf(reader, settlement.artifact);
  return text === undefined
    ? settlement
    : { ...settlement, result: cutMiddle(text, RESULT_PREVIEW_CHARACTERS) };
}

async function inlineRow(
  reader: ArtifactReader,
  row: TranscriptMessage,
): Promise<TranscriptMessage> {
  if (row.role === 'user' && row.content.some(({ type }) => type !== 'text'))
    return {
      ...row,
      content: await Promise.all(row.content.map((part) => inlinePart(reader, part))),
    };
  if (row.role === 'tool') {
    const settlement = await inlineResult(reader, row.settlement);
    return settlement === row.settlement ? row : { ...row, settlement };
  }
  return row;
}

export const inlineArtifacts = (
  rows: readonly TranscriptMessage[],
  reader: ArtifactReader,
): Promise<TranscriptMessage[]> => Promise.all(rows.map((row) => inlineRow(reader, row)));
