/** What it costs to act: a tool call in the worker and on a runner, and a session whose agent is a program. */
import type { BenchOptions, Outcome } from '../report.ts';
import * as programs from './programs.ts';
import * as toolCalls from './tool-calls.ts';

export async function run(options: BenchOptions): Promise<Outcome> {
  const calls = await toolCalls.run(options);
  const sessions = await programs.run(options);
  return {
    figures: { ...calls.figures, ...sessions.figures },
    rows: [...calls.rows, ...sessions.rows],
  };
}
