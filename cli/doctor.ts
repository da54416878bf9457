import type { Command } from 'commander';
import { withJson } from './json-output.ts';

export function registerDoctor(program: Command): void {
  withJson(program.command('doctor'))
    .description('Check this installation, and say how to mend what is wrong.')
    .action(async (options: { json?: true }) => {
      const { doctor } = await import('./doctor/run.ts');
      await doctor(options);
    });
}
