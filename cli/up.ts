import type { Command } from 'commander';

export function registerUp(program: Command): void {
  program
    .command('up')
    .description('Start everything on this machine: Temporal, worker, API and an embedded journal.')
    .action(async () => {
      const { up } = await import('./up/run.ts');
      await up();
    });
}
