/** `perdure approvals …`: looks at calls that wait for a person's word, and says it. */
import { InvalidArgumentError, Option } from 'commander';
import type { Command } from 'commander';
import type { ApprovalDecision } from '../../contracts/approvals.ts';
import { withConnection } from '../connection-options.ts';
import { withJson } from '../json-output.ts';
import { wholeNumber } from '../whole-number.ts';
import type { ApproveOptions, ListOptions, OneOptions, RejectOptions } from './run.ts';

export function registerApprovals(program: Command): void {
  const approvals = program
    .command('approvals')
    .description('Calls of tools that wait for your word: list, show, approve, reject.');
  const add = (signature: string, description: string): Command =>
    withJson(withConnection(approvals.command(signature).description(description)));

  add('list', 'calls that wait, newest first')
    .addOption(new Option('--state <state>', 'open or settled').choices(['open', 'settled']))
    .option('--session <id>', 'only of this session')
    .option('--limit <count>', 'at most so many', wholeNumber(1), 50)
    .action(async (options: ListOptions) => (await run()).list(options));

  add('show <id>', 'the call, its arguments, what it would do').action(
    async (id: string, options: OneOptions) => (await run()).show(id, options),
  );

  add('approve <id>', 'let the call run')
    .option('--args <json>', 'with these arguments instead of its own', jsonObject)
    .action(async (id: string, options: ApproveOptions) => (await run()).approve(id, options));

  add('reject <id>', 'do not let it run')
    .option('--reason <text>', 'what the model is told')
    .action(async (id: string, options: RejectOptions) => (await run()).reject(id, options));
}

/** Loaded when a command runs, so that `--help` is quick. */
const run = () => import('./run.ts');

function jsonObject(text: string): NonNullable<ApprovalDecision['arguments']> {
  const expected = new InvalidArgumentError(
    'Expected a JSON object, such as \'{"path": "a.txt"}\'.',
  );
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw expected;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw expected;
  return value as NonNullable<ApprovalDecision['arguments']>;
}
