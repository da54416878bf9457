/** `perdure sessions …`: looks at sessions, and ends them. */
import { InvalidArgumentError, Option } from 'commander';
import type { Command } from 'commander';
import { SESSION_STATES } from '../../contracts/session-state.ts';
import { withConnection } from '../connection-options.ts';
import type { EventsOptions, ListOptions, OneOptions } from './run.ts';

export function registerSessions(program: Command): void {
  const sessions = program
    .command('sessions')
    .description('List, show and stop sessions; read their transcripts and events.');
  const add = (signature: string, description: string): Command =>
    withConnection(sessions.command(signature).description(description).exitOverride()).option(
      '--json',
      'print JSON: one object, or one a line where there are many',
    );

  add('list', 'sessions, newest first')
    .addOption(new Option('--state <state>', 'only these').choices(SESSION_STATES))
    .option('--context <name>', 'only of this context')
    .option('--limit <count>', 'at most so many', wholeNumber, 50)
    .action(async (options: ListOptions) => (await run()).list(options));

  add('show <id>', 'state, model, cost').action(async (id: string, options: OneOptions) =>
    (await run()).show(id, options),
  );

  add('stop <id>', 'end a session (perdure chat --session goes on with it later)').action(
    async (id: string, options: OneOptions) => (await run()).stop(id, options),
  );

  add('transcript <id>', 'what was said').action(async (id: string, options: OneOptions) =>
    (await run()).transcript(id, options),
  );

  add('events <id>', 'the event log')
    .option('--after <number>', 'only events after this number', wholeNumber, 0)
    .option('-f, --follow', 'go on with what comes, until Ctrl-C')
    .action(async (id: string, options: EventsOptions) => (await run()).events(id, options));
}

/** Loaded when a command runs, so that `--help` is quick. */
const run = () => import('./run.ts');

function wholeNumber(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Expected a whole number.');
}
