import type { Command } from 'commander';

export function registerWorker(program: Command): void {
  program
    .command('worker')
    .description('Run a worker of a fleet (needs PostgreSQL and a Temporal server).')
    .action(async () => {
      const { runWorker } = await import('./process/worker.ts');
      await runWorker();
    });
}
