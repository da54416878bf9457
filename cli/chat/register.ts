/** `perdure chat`: a conversation in the terminal. */
import path from 'node:path';
import type { Command } from 'commander';
import { withConnection } from '../connection-options.ts';
import type { ChatOptions } from './options.ts';
import { runnerSelector } from './runner-option.ts';

const HELP = `
In a terminal: type and press Enter. Ctrl-C interrupts the answer; with nothing under way it leaves, when pressed twice.
/help lists the commands. Through a pipe: every line is a message, and the command ends after the last answer.`;

export function registerChat(program: Command): void {
  withConnection(program.command('chat'))
    .description('Talk to an agent; the session goes on when you leave, and when anything breaks.')
    .option('--session <id>', 'go on with this session')
    .option('--agent <name>', 'agent of a new session')
    .option('--model <name>', 'model of a new session')
    .option(
      '--context <name>',
      'go on with the session that is active in this context, or begin one',
    )
    .option(
      '--workspace <folder>',
      'folder that the tools of a new session work in (this one when absent)',
      (folder: string) => path.resolve(folder),
    )
    .option(
      '--runner <name>',
      'runner that executes the tools of a new session; or key=value, repeated, for any with these labels',
      runnerSelector,
    )
    .option('--json', 'print every event as one line of JSON')
    .addHelpText('after', HELP)
    .action(async (options: ChatOptions) => (await import('./run.ts')).run(options));
}
