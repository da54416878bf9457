/** What a model reads of content, files by what they are. Pure. */
import type { ArtifactRef, Part } from '../../../contracts/content.ts';

/** Why a file is not shown, as an end of "cannot be shown"; empty where that says it all. */
export type Why = (file: ArtifactRef) => string;

/** A file that the model is not shown: it is told what it is. */
const fileText = (file: ArtifactRef, why: Why): string =>
  `[The file ${file.name ?? file.artifact}, ${file.mediaType}, ${file.bytes} bytes, cannot be shown${why(file)}.]`;

/** Content without its images; no shorter than with them. */
export const saidText = (content: readonly Part[], why: Why = () => ''): string =>
  content.map((part) => (part.type === 'text' ? part.text : fileText(part, why))).join('\n');
