/** Why a program gave no answer, in words that a person can act on. */
import { PerdureError } from '../../contracts/perdure-error.ts';
import type { Exit } from './process.ts';

const ending = ({ code, why }: Exit): string =>
  code === null ? `: ${why ?? 'it could not be started'}` : ` (exit code ${code})`;

const words = (complaint: string): string => (complaint === '' ? '' : ` It said: ${complaint}`);

/** It ended where nobody had asked for it. */
export const lost = (exit: Exit, complaint = ''): PerdureError =>
  new PerdureError(
    'runner_lost',
    `The program ended before it had answered${ending(exit)}; the next message starts it again.${words(complaint)}`,
  );

/** It ended before it took a message. */
export const notStarted = (exit: Exit, complaint: string): PerdureError =>
  new PerdureError(
    'model_rejected',
    `The program ended before it took a message${ending(exit)}.${words(complaint)}`,
  );

export const gone = (): PerdureError =>
  new PerdureError('runner_lost', 'The program is gone; the next message starts it again.');

/** Never twice: it may have done what it was asked. */
export const begunBefore = (): PerdureError =>
  new PerdureError(
    'runner_lost',
    'The worker went away while the program answered. The message was not sent a second time; send it again if it shall be.',
  );

export const timedOut = (ms: number): PerdureError =>
  new PerdureError('tool_timeout', `The program took longer than ${ms / 1_000} s and was ended.`);

export const tooMuch = (what: string): PerdureError =>
  new PerdureError('limit_exceeded', `The program was ended: ${what}.`);

export const notInstalled = (provider: string, command: string): PerdureError =>
  new PerdureError(
    'model_rejected',
    `The program "${command}" is not on this worker's machine: install it, or correct cliProviders.${provider}.command.`,
  );
