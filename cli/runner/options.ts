import type { ConnectOptions } from '../connection-options.ts';

/** Of `perdure runner`. */
export interface RunnerCommandOptions extends ConnectOptions {
  readonly name: string;
  readonly workdir: string;
  readonly label: Readonly<Record<string, string>>;
  readonly allow: readonly string[];
  readonly deny: readonly string[];
  readonly ask?: true;
  readonly network?: true;
  readonly parallel: number;
  readonly state?: string;
  readonly json?: true;
}
