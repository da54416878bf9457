/** Whole numbers on the command line. Light: loaded for every `perdure --help`. */
import { InvalidArgumentError } from 'commander';

/** More digits than these would be another number. */
const MOST = 999_999_999_999_999;

/** @returns what reads an option's text. @throws {InvalidArgumentError} then, where it is none of these numbers */
export const wholeNumber =
  (least: number, most = MOST) =>
  (text: string): number => {
    const number = /^\d{1,15}$/.test(text) ? Number(text) : NaN;
    if (number >= least && number <= most) return number;
    const range = most === MOST ? `, at least ${least}` : ` from ${least} to ${most}`;
    throw new InvalidArgumentError(`Expected a whole number${range}.`);
  };
