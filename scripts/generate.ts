// Writes every file that is made from the code (`npm run generate`). With --check it writes nothing and fails when one
// of them is not what the code would make now.
import { readFile, writeFile } from 'node:fs/promises';
import { format, resolveConfig } from 'prettier';
import { GENERATED } from './generated.ts';

const check = process.argv.includes('--check');
const stale: string[] = [];

for (const { path, content } of GENERATED) {
  const wanted = await formatted(path, await content());
  const present = await readFile(path, 'utf8').catch(() => undefined);
  if (present === wanted) continue;
  stale.push(path);
  if (!check) await writeFile(path, wanted);
}

if (check && stale.length > 0) {
  console.error(
    `Not up to date: ${stale.join(', ')}. Run \`npm run generate\` and commit the result.`,
  );
  process.exitCode = 1;
} else {
  console.log(
    `${GENERATED.length} generated files, ${stale.length} ${check ? 'stale' : 'written'}`,
  );
}

async function formatted(path: string, text: string): Promise<string> {
  return format(text, { ...(await resolveConfig(path)), filepath: path });
}
