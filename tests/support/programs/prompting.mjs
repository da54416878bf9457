// A program that talks as in a terminal: it prints its prompt when it takes the next line.
import { createInterface } from 'node:readline';

process.stdout.write('Welcome.\nready> ');
for await (const line of createInterface({ input: process.stdin })) {
  if (line === 'quit') break;
  process.stdout.write(`${line.toUpperCase()}\nready? no\nready> `);
}
