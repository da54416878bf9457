/** `perdure runner`: executes agents' tools on this machine. */
import { InvalidArgumentError } from 'commander';
import type { Command } from 'commander';
import { RUNNER_NAME, RUNNER_NAME_EXPECTED } from '../../contracts/runner-name.ts';
import { withConnection } from '../connection-options.ts';
import { labels } from '../labels.ts';
import { wholeNumber } from '../whole-number.ts';
import type { RunnerCommandOptions } from './options.ts';

const HELP = `
Reading in the folder is allowed; what does more is asked for in this terminal, and refused where there is none, unless --allow names it.
Names are those of tools, * stands for any part: --allow run_command --allow 'edit_*'. --deny wins.
Ctrl-C lets running calls finish; a second one ends them. After a crash the runner reports what it had finished, and repeats nothing that
must not run twice.`;

export function registerRunner(program: Command): void {
  withConnection(program.command('runner'))
    .description('Execute the tools of your agents on this machine (docs/runner.md).')
    .requiredOption('--name <name>', 'what agents and sessions call it', runnerName)
    .requiredOption('--workdir <folder>', 'the folder that its tools work in')
    .option('--label <key=value>', 'what else it is found by; may be repeated', labels, {})
    .option('--allow <tools>', 'run these without asking; may be repeated', names, [])
    .option('--deny <tools>', 'never run these; may be repeated', names, [])
    .option('--ask', 'ask for calls that only read, too')
    .option('--network', 'let commands reach the network')
    .option('--parallel <count>', 'calls at once', wholeNumber(1, 64), 4)
    .option('--state <folder>', 'where it keeps results until they are delivered')
    .option('--json', 'print what happens as lines of JSON')
    .addHelpText('after', HELP)
    .action(async (options: RunnerCommandOptions) => (await import('./run.ts')).run(options));
}

function runnerName(text: string): string {
  if (RUNNER_NAME.test(text)) return text;
  throw new InvalidArgumentError(`A name: ${RUNNER_NAME_EXPECTED}.`);
}

const names = (text: string, before: readonly string[]): string[] => [
  ...before,
  ...text.split(',').map((name) => name.trim()),
];
