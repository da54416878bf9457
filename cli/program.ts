// Each command is one file that registers itself here and loads what it needs when it runs, so that `perdure --help` does not wait for
// Temporal's SDK.
import { Command, CommanderError } from 'commander';
import { ERRORS } from '../contracts/errors.ts';
import { PerdureError } from '../contracts/perdure-error.ts';
import { registerAllInOne } from './all-in-one.ts';
import { registerApi } from './api.ts';
import { registerApprovals } from './approvals/register.ts';
import { registerAudit } from './audit/register.ts';
import { registerAuth } from './auth/register.ts';
import { registerChat } from './chat/register.ts';
import { registerDoctor } from './doctor.ts';
import { CommandFailed, EXIT } from './exit-codes.ts';
import { registerKeys } from './keys.ts';
import { registerMcp } from './mcp/register.ts';
import { registerMigrate } from './migrate.ts';
import { endWithReader } from './output.ts';
import { registerRunner } from './runner/register.ts';
import { registerRunners } from './runners/register.ts';
import { registerSessions } from './sessions/register.ts';
import { registerUp } from './up.ts';
import { registerWorker } from './worker.ts';
import { explainWrongUsage } from './wrong-usage.ts';

/** Adds one command (or one group of commands) to the program. */
type Register = (program: Command) => void;

const COMMANDS: readonly Register[] = [
  registerUp,
  registerWorker,
  registerApi,
  registerAllInOne,
  registerMigrate,
  registerKeys,
  registerMcp,
  registerAuth,
  registerAudit,
  registerDoctor,
  registerChat,
  registerSessions,
  registerApprovals,
  registerRunner,
  registerRunners,
];

const EXIT_CODES = `
Exit codes: 0 done · 1 failed · 2 wrong usage · 3 wrong settings · 4 something needed is not reachable · 5 not found · 130 interrupted`;

function createProgram(): Command {
  const program = new Command('perdure')
    .description('Self-hosted, durable orchestrator for AI agents, on Temporal.')
    .version('0.1.0')
    .configureOutput({ writeOut: printHelp })
    .addHelpText('after', EXIT_CODES)
    .showSuggestionAfterError();
  for (const register of COMMANDS) register(program);
  explainWrongUsage(program);
  return program;
}

/** Also what `--version` says. */
function printHelp(text: string): void {
  endWithReader();
  process.stdout.write(text);
}

async function main(argv: readonly string[]): Promise<void> {
  try {
    await createProgram().parseAsync(argv);
  } catch (error) {
    process.exitCode = report(error);
  }
}

function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  if (error instanceof CommandFailed) {
    console.error(error.message);
    return error.exitCode;
  }
  if (error instanceof PerdureError) {
    console.error(`${error.message} (${error.code})`);
    return ERRORS[error.code].status === 503 ? EXIT.unavailable : EXIT.failure;
  }
  console.error(error);
  return EXIT.failure;
}

await main(process.argv);
