// `npm run verify`: everything that CI runs, in one go. All steps run even when one fails, so that one look tells all.
// --without-tests: the tests ran just before, with coverage (that is what .ci/run does).
import { spawn } from 'node:child_process';

interface Step {
  readonly name: string;
  /** Of package.json. */
  readonly script: string;
  readonly args?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
}

/** None of them changes what another reads; most use one core. */
const LOOKS: readonly Step[] = [
  { name: 'lint', script: 'lint' },
  { name: 'types', script: 'types' },
  { name: 'format', script: 'format:check' },
  { name: 'boundaries', script: 'boundaries:rooms' },
  { name: 'boundaries at run time', script: 'boundaries:runtime' },
  { name: 'dead code', script: 'dead-code' },
  { name: 'generated files', script: 'generate', args: ['--', '--check'] },
];
const AT_ONCE = 2;

/** They have the machine to themselves. */
const TESTS: Step = {
  name: 'tests',
  script: 'test',
  args: ['--ignore-scripts'],
  env: { PERDURE_COVERAGE: '1' },
};
const COVERAGE: Step = { name: 'coverage', script: 'coverage' };

const failed = [
  ...(await failures(LOOKS, AT_ONCE)),
  ...(await failures(process.argv.includes('--without-tests') ? [COVERAGE] : [TESTS, COVERAGE], 1)),
];
console.log(
  failed.length === 0 ? '\nverify: everything passed' : `\nverify: FAILED: ${failed.join(', ')}`,
);
process.exitCode = failed.length === 0 ? 0 : 1;

/** Runs so many of them at once, and names those that failed. */
async function failures(steps: readonly Step[], atOnce: number): Promise<string[]> {
  const waiting = [...steps];
  const names: string[] = [];
  const work = async () => {
    for (let step = waiting.shift(); step; step = waiting.shift())
      if (!(await passes(step, atOnce > 1))) names.push(step.name);
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return names;
}

/** @param apart what it prints comes in one piece when it is over, so that it does not mix with another's */
async function passes({ name, script, args = [], env }: Step, apart: boolean): Promise<boolean> {
  const started = Date.now();
  if (!apart) console.log(`\n── ${name}`);
  const child = spawn('npm', ['run', '--silent', script, ...args], {
    stdio: ['ignore', apart ? 'pipe' : 'inherit', apart ? 'pipe' : 'inherit'],
    env: { ...process.env, ...env },
  });
  const printed: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk: Buffer) => printed.push(chunk));
  const status = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject).once('close', resolve);
  });
  if (apart) console.log(`\n── ${name}`);
  process.stdout.write(Buffer.concat(printed));
  const seconds = ((Date.now() - started) / 1000).toFixed(1);
  console.log(`── ${name}: ${status === 0 ? 'ok' : 'FAILED'} (${seconds} s)`);
  return status === 0;
}
