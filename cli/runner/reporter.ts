/** Lines about what the runner does, for people or as JSON. */
import type { RunnerReport } from '../../runner/report.ts';
import { oneLine } from '../format.ts';
import { printJson } from '../json-output.ts';
import type { RunnerCommandOptions } from './options.ts';

const ARGUMENTS_CHARACTERS = 120;

type Lines = {
  [T in RunnerReport['type']]: (report: Extract<RunnerReport, { type: T }>) => string;
};

const linesFor = ({ name, workdir }: RunnerCommandOptions): Lines => ({
  registered: ({ runnerId, tools }) =>
    `runner ${name} (${runnerId}) works in ${workdir}: ${tools.join(', ')}`,
  connected: () => 'connected again',
  disconnected: ({ message, retryInMs }) =>
    `no connection: ${oneLine(message, 200)}; trying again from ${(retryInMs / 1_000).toFixed(1)} s on`,
  started: ({ action: { invocation } }) =>
    `→ ${invocation.name} ${oneLine(JSON.stringify(invocation.arguments) ?? '', ARGUMENTS_CHARACTERS)}`,
  finished: ({ name: tool, status }) => `← ${tool}: ${status}`,
  delivered: ({ name: tool, callId }) => `  ${tool} delivered (${callId})`,
  dropped: ({ name: tool, why }) => `  ${tool} dropped: ${oneLine(why, 200)}`,
  'broken-file': ({ file }) => `a file of an earlier call cannot be read, set aside as ${file}`,
  stopping: () => 'stopping: running calls may finish, Ctrl-C again ends them',
});

export function reporter(options: RunnerCommandOptions): (report: RunnerReport) => void {
  if (options.json) return (report) => printJson({ at: new Date().toISOString(), ...report });
  const lines = linesFor(options);
  return (report) => {
    const line = lines[report.type] as (report: RunnerReport) => string;
    console.error(line(report));
  };
}
