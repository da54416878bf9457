/** What a runner may be called. Pure, no zod: also for the command line, before anything is asked. */

export const RUNNER_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;

export const RUNNER_NAME_EXPECTED =
  'expected a letter or digit, then up to 62 letters, digits, ".", "_" or "-"';
