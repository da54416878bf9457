// A program with a protocol of its own, in JSON lines. It writes down each message that it was sent, in the file that it is given.
import { appendFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

const [file] = process.argv.slice(2);
const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
for await (const line of createInterface({ input: process.stdin })) {
  const { ask } = JSON.parse(line);
  if (file) appendFileSync(file, `${ask}\n`);
  say({ kind: 'piece', of: { answer: `got ${ask}` } });
  if (ask !== 'hold') say({ kind: 'end' });
}
