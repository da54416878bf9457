import { ERROR_PAGES } from './error-pages.ts';

export interface GeneratedFile {
  /** From the clone's root; the ending decides how it is formatted. */
  readonly path: string;
  /** Makes the whole file from the code: the same code must give the same text, so no dates and no random order. */
  readonly content: () => Promise<string>;
}

/** Every file in the repository that is made from code. Add yours here; `npm run verify` then keeps it fresh. */
export const GENERATED: readonly GeneratedFile[] = [...ERROR_PAGES];
