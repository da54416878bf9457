import type { Command } from 'commander';

export function registerApi(program: Command): void {
  program
    .command('api')
    .description('Run an API server of a fleet (needs PostgreSQL and a Temporal server).')
    .action(async () => {
      const { runApi } = await import('./process/api.ts');
      await runApi();
    });
}
