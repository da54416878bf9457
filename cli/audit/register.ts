/** `perdure audit`: who came in, who was refused, what was decided and changed. */
import { InvalidArgumentError, Option } from 'commander';
import type { Command } from 'commander';
import { AUDIT_ACTION_NAMES } from '../../contracts/audit.ts';
import { withConnection } from '../connection-options.ts';
import type { AuditOptions } from './run.ts';

export function registerAudit(program: Command): void {
  withConnection(program.command('audit'))
    .description('Sign-ins, refusals, changes of keys and decisions, newest first.')
    .addOption(new Option('--action <name>', 'only these').choices(AUDIT_ACTION_NAMES))
    .option('--limit <count>', 'at most so many', wholeNumber, 50)
    .option('--json', 'print one JSON object a line')
    .action(async (options: AuditOptions) => (await import('./run.ts')).list(options));
}

function wholeNumber(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Expected a whole number, at least 1.');
}
