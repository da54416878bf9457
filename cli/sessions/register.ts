/** `perdure sessions …`: looks at sessions, and ends them. */
import { Option } from 'commander';
import type { Command } from 'commander';
import { SESSION_STATES } from '../../contracts/session-state.ts';
import { withConnection } from '../connection-options.ts';
import { withJson } from '../json-output.ts';
import { wholeNumber } from '../whole-number.ts';
import type { EventsOptions, ListOptions, OneOptions } from './run.ts';

export function registerSessions(program: Command): void {
  const sessions = program
    .command('sessions')
    .description('List, show and stop sessions; read their transcripts and events.');
  const add = (signature: string, description: string): Command =>
    withJson(withConnection(sessions.command(signature).description(description)));

  add('list', 'sessions, newest first')
    .addOption(new Option('--state <state>', 'only these').choices(SESSION_STATES))
    .option('--context <name>', 'only of this context')
    .option('--limit <count>', 'at most so many', wholeNumber(1), 50)
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
    .option('--after <number>', 'only events after this number', wholeNumber(0), 0)
    .option('-f, --follow', 'go on with what comes, until Ctrl-C')
    .action(async (id: string, options: EventsOptions) => (await run()).events(id, options));
}

/** Loaded when a command runs, so that `--help` is quick. */
const run = () => import('./run.ts');
