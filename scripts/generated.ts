import { generateAsyncApi } from '../api/openapi/asyncapi.ts';
import { generateOpenApi } from '../api/openapi/openapi.ts';
import { configurationPage } from './configuration-page.ts';
import type { GeneratedFile } from './generated-file.ts';
import { ERROR_PAGES } from './error-pages.ts';

const jsonOf = (document: unknown): string => JSON.stringify(document, null, 2);

/** Every file in the repository that is made from code. Add yours here; `npm run verify` then keeps it fresh. */
export const GENERATED: readonly GeneratedFile[] = [
  ...ERROR_PAGES,
  { path: 'docs/configuration.md', content: configurationPage },
  { path: 'docs/openapi.json', content: async () => jsonOf(generateOpenApi()) },
  { path: 'docs/asyncapi.json', content: async () => jsonOf(generateAsyncApi()) },
];
