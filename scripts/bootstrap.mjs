// Runs before `npm start`, `npm test` and `npm run verify`. Plain JavaScript on purpose: on a fresh clone there is no
// node_modules yet, and the Node of this machine may be 20, which cannot run the TypeScript sources.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const lockFile = join(root, 'package-lock.json');
const installedTree = join(root, 'node_modules', '.package-lock.json');
const stamp = join(root, 'node_modules', '.perdure-installed');
const node = join(root, 'node_modules', '.bin', 'node');

installDependencies();
ensureServers(process.argv.slice(2));

function installDependencies() {
  const digest = createHash('sha256').update(readFileSync(lockFile)).digest('hex');
  if (!isInstalled(digest)) npmCi();
  if (!existsSync(node)) {
    fail(
      'npm did not install Node 24 (its package `node` has an install script). Run `npm rebuild node`.',
    );
  }
  if (readText(stamp) !== digest) writeFileSync(stamp, digest);
}

/** By content first: a checkout changes the lock file's time without changing what is in it. */
function isInstalled(digest) {
  if (readText(stamp) === digest) return existsSync(installedTree);
  return existsSync(installedTree) && statSync(installedTree).mtimeMs >= statSync(lockFile).mtimeMs;
}

function npmCi() {
  console.log('[bootstrap] Installing the dependencies (npm ci; a minute or two, once) …');
  const started = Date.now();
  // Without our own node_modules/.bin on PATH: npm would run on the very Node that it is replacing.
  const path = (process.env.PATH ?? '')
    .split(delimiter)
    .filter((part) => !part.startsWith(join(root, 'node_modules')));
  const env = { ...process.env, PATH: path.join(delimiter) };
  delete env.npm_node_execpath;
  const arguments_ = ['ci', '--no-audit', '--no-fund', '--loglevel=error'];
  const { status } = spawnSync('npm', arguments_, {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    env,
  });
  if (status !== 0) fail('npm ci failed (see above). Is the package registry reachable?');
  console.log(
    `[bootstrap] Dependencies installed in ${Math.round((Date.now() - started) / 1000)} s.`,
  );
}

function ensureServers(wanted) {
  const ensure = join(root, 'servers', 'ensure.ts');
  const { status } = spawnSync(node, [ensure, ...wanted], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (status !== 0) process.exit(status ?? 1);
}

function readText(file) {
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
}

function fail(message) {
  console.error(`[bootstrap] ${message}`);
  process.exit(1);
}
