// Loaded into a runner before its own code: a tool that puts a file in its place stops right before or right after that, and says so in a file.
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

const { STOP_AT_RENAME: where, STOPPED_FILE: told } = process.env;
const { rename } = fs.promises;

fs.promises.rename = async (from, to) => {
  if (where === 'after') await rename(from, to);
  fs.writeFileSync(told, '');
  // Until it is killed.
  setInterval(() => undefined, 1_000);
  await new Promise(() => undefined);
};
syncBuiltinESMExports();
