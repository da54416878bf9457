import type { ConnectOptions } from '../connection-options.ts';

export interface ChatOptions extends ConnectOptions {
  readonly session?: string;
  readonly agent?: string;
  readonly model?: string;
  readonly context?: string;
  readonly workspace?: string;
  readonly json?: true;
}
