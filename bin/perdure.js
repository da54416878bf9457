#!/usr/bin/env node
// Plain JavaScript on purpose: it must start on whatever Node a person has, and hand over to the Node 24 that
// npm installed beside it, because older ones cannot run the TypeScript sources.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
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
  console.error(`perdure needs Node 24 or newer (this is ${process.version}). Run \`npm ci\` in ${root} first.`);
  process.exitCode = 1;
}

function runWith(node) {
  const child = spawn(node, [main, ...process.argv.slice(2)], { stdio: 'inherit' });
  // A terminal sends Ctrl-C to both processes; the child decides when it is over.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? 128 + (signal === 'SIGKILL' ? 9 : 15);
  });
}
