/** `--json`, the same on every command (docs/configuration.md, "JSON of `perdure`"). Light: loaded for every `perdure --help`. */
import type { Command } from 'commander';

export const withJson = (command: Command): Command =>
  command.option('--json', 'print JSON: one object, or one a line where there are many');

/** One object on a line of its own: of many, each is printed by itself. */
export const printJson = (value: object): void => console.log(JSON.stringify(value));
