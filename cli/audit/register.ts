/** `perdure audit`: who came in, who was refused, what was decided and changed. */
import { Option } from 'commander';
import type { Command } from 'commander';
import { AUDIT_ACTION_NAMES } from '../../contracts/audit.ts';
import { withConnection } from '../connection-options.ts';
import { withJson } from '../json-output.ts';
import { wholeNumber } from '../whole-number.ts';
import type { AuditOptions } from './run.ts';

export function registerAudit(program: Command): void {
  withJson(withConnection(program.command('audit')))
    .description('Sign-ins, refusals, changes of keys and decisions, newest first.')
    .addOption(new Option('--action <name>', 'only these').choices(AUDIT_ACTION_NAMES))
    .option('--limit <count>', 'at most so many', wholeNumber(1), 50)
    .action(async (options: AuditOptions) => (await import('./run.ts')).list(options));
}
