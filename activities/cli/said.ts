/** What is understood of a program's output while it answers one message: its text, and whether that is all. Pure: no process, no clock. */
import type { ContentKind } from '../../contracts/events.ts';
import type { Used } from './json-line.ts';

export type Said =
  | { readonly kind: ContentKind; readonly text: string }
  /** Printed, but no part of the answer. */
  | { readonly kind: 'aside'; readonly text: string };

/** What was understood from the output so far, beside its text. */
export interface Understood {
  /** The answer is complete. */
  readonly done: boolean;
  /** The program says that it failed, in its own words. */
  readonly error: string | undefined;
  readonly conversation: string | undefined;
  readonly used: Used | undefined;
}

export interface AnswerReader {
  /** Reads on. Nothing is to be read after it is done. @throws {LineTooLong} */
  push(output: string): readonly Said[];
  /** Nothing more is printed. */
  end(): readonly Said[];
  readonly understood: Understood;
}
