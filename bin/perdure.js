#!/usr/bin/env node
// Plain JavaScript on purpose: it must start on whatever Node a person has, and hand over to the Node 24 that
// npm installed beside it, because older ones cannot run the TypeScript sources.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const main = `${root}cli/main.ts`;
const bundledNode = `${root}node_modules/.bin/node`;

if (Number(process.versions.node.split('.')[0]) >= 24) {
  process.argv[1] = main;
  await import(main);
} else if (existsSync(bundledNode)) {
  runWith(bundledNode);
} else {
  console.error(
    `perdure needs Node 24 or newer (this is ${process.version}). Run \`npm ci\` in ${root} first.`,
  );
  process.exitCode = 1;
}

function runWith(node) {
  const child = spawn(node, [main, ...process.argv.slice(2)], { stdio: 'inherit' });
  // Ctrl-C in a terminal reaches both processes by itself; a signal sent to this one alone must be handed on.
  process.on('SIGINT', () => process.stdin.isTTY || child.kill('SIGINT'));
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? 128 + constants.signals[signal];
  });
}
