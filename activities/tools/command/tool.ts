import type { TimeLimits } from '../../../contracts/limits.ts';
import type { SandboxSettings } from '../../../contracts/tool-settings.ts';
import type { SandboxLimits } from '../sandbox/spec.ts';
import { sandboxEnvironment } from '../sandbox/spec.ts';
import type { WorkerTool } from '../worker-tool.ts';
import { path } from '../workspace/definitions.ts';
import { inWorkspace } from '../workspace/in-workspace.ts';
import { previewCommand } from './preview-command.ts';
import type { CommandInput } from './preview-command.ts';
import { runCommand } from './run-command.ts';
import type { CommandSettings } from './run-command.ts';

/** The kernel takes 128 KiB in one argument (execve(2)), and a character may have four bytes. */
const MAX_COMMAND_CHARACTERS = 30_000;

/** Between the command's end and the tool's own time limit, so that what it said until then is told. */
const ENDING_MS = 5_000;

const MIB = 1024 * 1024;

const limitsOf = (settings: SandboxSettings): SandboxLimits => ({
  memoryBytes: settings.memoryMb * MIB,
  processes: settings.processes,
  fileBytes: settings.fileMb * MIB,
  cpuSeconds: settings.cpuSeconds,
  openFiles: settings.openFiles,
  temporaryBytes: settings.temporaryMb * MIB,
});

export interface CommandParts {
  readonly home: string;
  readonly timeouts: Pick<TimeLimits, 'commandMs' | 'commandMaxMs'>;
  readonly sandbox: SandboxSettings;
  /** Of the worker's environment. */
  readonly variable?: ((name: string) => string | undefined) | undefined;
}

const environmentOf = ({ sandbox, variable }: CommandParts): Readonly<Record<string, string>> =>
  sandboxEnvironment(
    Object.fromEntries(
      sandbox.environment.flatMap((name) => {
        const value = variable?.(name);
        return value === undefined ? [] : [[name, value]];
      }),
    ),
  );

const settingsOf = (parts: CommandParts): CommandSettings => {
  const { home, timeouts, sandbox } = parts;
  const maxMs = Math.max(1_000, timeouts.commandMaxMs - ENDING_MS);
  return {
    home,
    network: sandbox.network,
    readOnly: sandbox.readOnly,
    limits: limitsOf(sandbox),
    // Looked up at its use: the values are never kept.
    environment: environmentOf(parts),
    defaultMs: Math.min(timeouts.commandMs, maxMs),
    maxMs,
  };
};

const inputSchema = ({ defaultMs, maxMs }: CommandSettings) => ({
  type: 'object',
  properties: {
    command: { type: 'string', minLength: 1, maxLength: MAX_COMMAND_CHARACTERS },
    path: path('Folder to run it in, "." is the workspace itself'),
    timeoutSeconds: {
      type: 'integer',
      minimum: 1,
      maximum: Math.floor(maxMs / 1_000),
      description: `It is ended after this time; ${defaultMs / 1_000} when absent.`,
    },
  },
  required: ['command'],
  additionalProperties: false,
});

export const commandTool = (parts: CommandParts): WorkerTool => ({
  name: 'run_command',
  description: [
    'Runs a shell command (bash) on the workspace and answers with what it wrote and its exit code.',
    'It may change the workspace only, has its own empty /tmp, and nothing that it starts outlives it.',
    parts.sandbox.network ? 'It has network access.' : 'It has no network access.',
  ].join(' '),
  inputSchema: inputSchema(settingsOf(parts)),
  effect: 'never-retry',
  needsWorkspace: true,
  // The longest that a call may ask for; `timeoutSeconds` ends it earlier.
  timeoutMs: parts.timeouts.commandMaxMs,
  execute: inWorkspace(parts.home, (run) => runCommand(run, settingsOf(parts))),
  preview: async ({ input }) => previewCommand(input as CommandInput),
});
