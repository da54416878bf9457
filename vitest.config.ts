import { resolve } from 'node:path';
import { defineConfig } from 'vitest/config';
import { SlowFirst } from './tests/support/slow-first.ts';

/** CI measures coverage in the very run that decides; by hand it is asked for, because it costs a third more time. */
const measureCoverage = Boolean(process.env['CI'] ?? process.env['PERDURE_COVERAGE']);

// vitest sees only the test files' own processes. For the workflow sandbox and for started processes Node itself writes
// what was run; scripts/check-coverage.ts puts both together.
// The set-up of the tests empties the folder, not this file: other programs read it too.
if (measureCoverage) process.env['NODE_V8_COVERAGE'] = resolve('.results/v8');

export default defineConfig({
  // vite loads the tool files of tests itself, and in a folder outside finds our name now and then only. Processes are shown to in tests/docs/own-tools.
  resolve: { alias: { 'perdure/tools': resolve('activities/tools/defined/index.ts') } },
  test: {
    include: ['tests/**/*.test.ts'],
    globalSetup: ['tests/support/global-setup.ts'],
    // Real servers and real processes: a quiet machine needs a second or two, two busy cores need much more.
    testTimeout: 60_000,
    expect: { poll: { timeout: 30_000 } },
    hookTimeout: 120_000,
    teardownTimeout: 60_000,
    pool: 'forks',
    // On two cores too: the slow files wait now and then, for a dead process to be noticed. With four both cores are full throughout.
    maxWorkers: 3,
    sequence: { sequencer: SlowFirst },
    reporters: ['default', ['json', { outputFile: '.results/tests.json' }]],
    allowOnly: false,
    coverage: {
      enabled: measureCoverage,
      provider: 'v8',
      reporter: ['text-summary', 'json'],
      reportsDirectory: 'coverage',
      reportOnFailure: true,
      include: [
        '{contracts,workflows,activities,journal,worker,api,client,cli,config,telemetry,servers,testing}/**/*.ts',
      ],
      exclude: ['**/*.d.ts'],
    },
  },
});
