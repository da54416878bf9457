import { generateAsyncApi } from '../api/openapi/asyncapi.ts';
import { generateOpenApi } from '../api/openapi/openapi.ts';
import { configurationPage } from './configuration-page.ts';
import { ERROR_PAGES } from './error-pages.ts';

export interface GeneratedFile {
  /** From the clone's root; the ending decides how it is formatted. */
  readonly path: string;
  /** Makes the whole file from the code: the same code must give the same text, so no dates and no random order. */
  readonly content: () => Promise<string>;
}

const jsonOf = (document: unknown): string => JSON.stringify(document, null, 2);

/** Every file in the repository that is made from code. Add yours here; `npm run verify` then keeps it fresh. */
export const GENERATED: readonly GeneratedFile[] = [
  ...ERROR_PAGES,
  { path: 'docs/configuration.md', content: configurationPage },
  { path: 'docs/openapi.json', content: async () => jsonOf(generateOpenApi()) },
  { path: 'docs/asyncapi.json', content: async () => jsonOf(generateAsyncApi()) },
];
