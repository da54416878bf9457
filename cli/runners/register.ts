/** `perdure runners …`: which machines may execute tools for you, and for whom else. */
import type { Command } from 'commander';
import { withConnection } from '../connection-options.ts';
import { withJson } from '../json-output.ts';
import { labels } from '../labels.ts';
import type { ListOptions, RunnersOptions } from './run.ts';

const HELP = `
A <runner> is its name, or its id where several users have one of that name. Starting one: npx perdure runner --help`;

export function registerRunners(program: Command): void {
  const runners = program
    .command('runners')
    .description('Runners that execute tools for you: list, show, share, unshare, forget.')
    .addHelpText('after', HELP);
  const add = (signature: string, description: string): Command =>
    withJson(withConnection(runners.command(signature).description(description)));

  add('list', 'those that may serve you, and whether they are there')
    .option('--online', 'only those that are there')
    .option('--label <key=value>', 'only those that have it; may be repeated', labels)
    .action(async (options: ListOptions) => (await run()).list(options));
  add('show <runner>', 'its labels, folder and tools').action(
    async (name: string, options: RunnersOptions) => (await run()).show(name, options),
  );
  add('share <runner>', 'let every agent of the tenant work on that machine (operators)').action(
    async (name: string, options: RunnersOptions) => (await run()).share(name, options),
  );
  add('unshare <runner>', 'let it serve its own user only (operators)').action(
    async (name: string, options: RunnersOptions) => (await run()).unshare(name, options),
  );
  add('forget <runner>', 'drop it and what it offers; one that runs comes back').action(
    async (name: string, options: RunnersOptions) => (await run()).forget(name, options),
  );
}

/** Loaded when a command runs, so that `--help` is quick. */
const run = () => import('./run.ts');
