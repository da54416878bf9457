// `perdure all-in-one`: worker, API and SQLite journal in one process. `perdure up` starts it and starts it again when it dies.
import type { Command } from 'commander';

export function registerAllInOne(program: Command): void {
  program
    .command('all-in-one', { hidden: true })
    .description('Worker and API in one process (started by `perdure up`).')
    .action(async () => {
      const { runAllInOne } = await import('./process/all-in-one.ts');
      await runAllInOne();
    });
}
