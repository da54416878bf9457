import type { Command } from 'commander';

export function registerDoctor(program: Command): void {
  program
    .command('doctor')
    .description('Check this installation, and say how to mend what is wrong.')
    .option('--json', 'print one JSON object')
    .action(async (options: { json?: true }) => {
      const { doctor } = await import('./doctor/run.ts');
      await doctor(options);
    });
}
