/** A file of the repository that is made from code. */
export interface GeneratedFile {
  /** From the clone's root; the ending decides how it is formatted. */
  readonly path: string;
  /** Makes the whole file from the code: the same code must give the same text, so no dates and no random order. */
  readonly content: () => Promise<string>;
}
