/**
 * Content over 32 KiB: its `content.completed` has a reference instead of the text. Whoever saw all of it stream has the text already;
 * whoever did not (joined late, or the deltas were pruned) reads the artifact and puts it in here. Pure: browser, terminal and tests load it.
 */
import type { ArtifactRef } from '../content.ts';
import type { ContentBlock, ConversationView, TurnView } from './conversation.ts';

/**
 * The whole text where `streamed` is all of it, else empty. Deltas are pieces of the whole in its order, so that only all of them have as
 * many bytes (UTF-8).
 */
export function wholeText(streamed: string, { bytes }: ArtifactRef): string {
  // A UTF-16 unit is one to three bytes: most texts need not be encoded to tell.
  if (streamed.length > bytes || streamed.length * 3 < bytes) return '';
  return new TextEncoder().encode(streamed).byteLength === bytes ? streamed : '';
}

const isMissing = ({ complete, artifact, text }: ContentBlock): boolean =>
  complete && artifact !== null && text === '';

const hasMissing = ({ steps }: TurnView): boolean =>
  steps.some(({ blocks }) => blocks.some(isMissing));

/** The artifacts whose text the view lacks, each once. */
export const missingContent = ({ turns }: ConversationView): readonly string[] => [
  ...new Set(
    turns
      .flatMap(({ steps }) => steps)
      .flatMap(({ blocks }) => blocks)
      .filter(isMissing)
      .map(({ artifact }) => artifact!.artifact),
  ),
];

/** The view with these texts, by their artifacts, where it lacks them. What it does not lack keeps its identity. */
export function withContent(
  view: ConversationView,
  texts: ReadonlyMap<string, string>,
): ConversationView {
  if (texts.size === 0) return view;
  const filled = (block: ContentBlock): ContentBlock =>
    isMissing(block) ? { ...block, text: texts.get(block.artifact!.artifact) ?? '' } : block;
  const turns = view.turns.map((turn) => (hasMissing(turn) ? filledTurn(turn, filled) : turn));
  return { ...view, turns };
}

const filledTurn = (turn: TurnView, filled: (block: ContentBlock) => ContentBlock): TurnView => ({
  ...turn,
  steps: turn.steps.map((step) =>
    step.blocks.some(isMissing) ? { ...step, blocks: step.blocks.map(filled) } : step,
  ),
});
