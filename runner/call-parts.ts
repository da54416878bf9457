import type { RunnerClient } from '../client/index.ts';
import type { RunnerId } from '../contracts/ids.ts';
import type { AgentToolCall } from '../contracts/runners.ts';
import type { CallFiles } from './call-files.ts';
import type { RunnerReport } from './report.ts';
import type { Slots } from './slots.ts';
import type { RunnerTool } from './tools.ts';

/** @returns why it must not run; undefined where it may */
export type Permit = (action: AgentToolCall, signal: AbortSignal) => Promise<string | undefined>;

/** What every call of a runner is handled with. */
export interface CallParts {
  readonly client: RunnerClient;
  readonly runnerId: RunnerId;
  readonly leaseMs: number;
  readonly workdir: string;
  readonly tools: ReadonlyMap<string, RunnerTool>;
  readonly files: CallFiles;
  readonly slots: Slots;
  readonly permit: Permit;
  readonly report: (report: RunnerReport) => void;
}
