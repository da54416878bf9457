/** The options by which client commands find the API. Light: loaded for every `perdure --help`. */
import { InvalidArgumentError } from 'commander';
import type { Command } from 'commander';

export interface ConnectOptions {
  readonly url?: string | undefined;
  readonly key?: string | undefined;
}

export const withConnection = (command: Command): Command =>
  command
    .option('--url <url>', 'base URL of the API (PERDURE_URL; else this machine)', httpUrl)
    .option('--key <key>', 'API key (PERDURE_KEY)');

export const isHttpUrl = (text: string): boolean =>
  /^https?:\/\/./.test(text) && URL.canParse(text);

function httpUrl(text: string): string {
  if (isHttpUrl(text)) return text;
  throw new InvalidArgumentError('Expected a URL such as http://127.0.0.1:7400.');
}
