import type { RunnerSelector } from '../../contracts/runners.ts';
import type { ConnectOptions } from '../connection-options.ts';

/** Where the API runs on this machine, its tools may look at the folder that the chat was started in. */
const LOOPBACK = ['127.0.0.1', 'localhost', '[::1]'];

export const ownFolder = (url: string): string | undefined =>
  LOOPBACK.includes(new URL(url).hostname) ? process.cwd() : undefined;

export interface ChatOptions extends ConnectOptions {
  readonly session?: string;
  readonly agent?: string;
  readonly model?: string;
  readonly context?: string;
  readonly workspace?: string;
  readonly runner?: RunnerSelector;
  readonly json?: true;
}
