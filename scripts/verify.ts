// `npm run verify`: everything that CI runs, in one go. All steps run even when one fails, so that one look tells all.
// --without-tests: the tests ran just before, with coverage (that is what .ci/run does).
import { spawnSync } from 'node:child_process';

interface Step {
  readonly name: string;
  readonly command: readonly [string, ...string[]];
  readonly env?: NodeJS.ProcessEnv;
}

const STEPS: readonly Step[] = [
  { name: 'format', command: ['npm', 'run', '--silent', 'format:check'] },
  { name: 'lint', command: ['npm', 'run', '--silent', 'lint'] },
  { name: 'types', command: ['npm', 'run', '--silent', 'types'] },
  { name: 'boundaries', command: ['npm', 'run', '--silent', 'boundaries'] },
  { name: 'dead code', command: ['npm', 'run', '--silent', 'dead-code'] },
  { name: 'generated files', command: ['npm', 'run', '--silent', 'generate', '--', '--check'] },
];

const TESTS: Step = {
  name: 'tests',
  command: ['npm', 'run', '--silent', 'test', '--ignore-scripts'],
  env: { PERDURE_COVERAGE: '1' },
};

const COVERAGE: Step = { name: 'coverage', command: ['npm', 'run', '--silent', 'coverage'] };

const steps = process.argv.includes('--without-tests')
  ? [...STEPS, COVERAGE]
  : [...STEPS, TESTS, COVERAGE];
const failed = steps.filter((step) => !passes(step)).map((step) => step.name);

console.log(
  failed.length === 0 ? '\nverify: everything passed' : `\nverify: FAILED: ${failed.join(', ')}`,
);
process.exitCode = failed.length === 0 ? 0 : 1;

function passes({ name, command: [file, ...args], env }: Step): boolean {
  const started = Date.now();
  console.log(`\n── ${name}`);
  const { status } = spawnSync(file, args, {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, ...env },
  });
  const seconds = ((Date.now() - started) / 1000).toFixed(1);
  console.log(`── ${name}: ${status === 0 ? 'ok' : 'FAILED'} (${seconds} s)`);
  return status === 0;
}
