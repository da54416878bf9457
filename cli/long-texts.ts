/** Texts of a person that were too long for a message, and travel as artifacts. */
import type { PerdureClient } from '../client/index.ts';
import type { Part } from '../contracts/content.ts';

/** The content with those texts in their places; files that somebody sent are only named. */
export const withLongTexts = (client: PerdureClient, content: readonly Part[]): Promise<Part[]> =>
  Promise.all(
    content.map(async (part): Promise<Part> => {
      if (part.type === 'text' || isFile(part)) return part;
      return { type: 'text', text: new TextDecoder().decode(await client.artifact(part.artifact)) };
    }),
  );

const isFile = ({ name, mediaType }: Extract<Part, { type: 'artifact' }>): boolean =>
  name !== undefined || !mediaType.startsWith('text/plain');
