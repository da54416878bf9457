/** A process with an MCP server, as a worker has it: `node holder.ts FOLDER HOW`; says the server's process when it is connected. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { mcpSource } from '../../../activities/tools/mcp/source.ts';
import { mcpServerSchema } from '../../../contracts/mcp.ts';
import { openSqliteJournal } from '../../../journal/sqlite.ts';

const [folder = '.', how = ''] = process.argv.slice(2);
const stranger = fileURLToPath(new URL('stranger.ts', import.meta.url));
const server = mcpServerSchema.parse({ command: process.execPath, args: [stranger, how] });
const journal = await openSqliteJournal({ file: join(folder, 'j.db'), synchronous: 'normal' });
const log = {
  debug() {},
  info: (fields: object) => console.log(JSON.stringify(fields)),
  warn() {},
  error() {},
};
const source = mcpSource({
  ...{ journal, log, servers: { odd: server }, timeouts: { commandMs: 60_000 } },
  secrets: (name) => process.env[name],
});
await source.start();
setInterval(() => {
  const pids = source.pids();
  if (pids.length > 0) console.log(JSON.stringify({ pids }));
}, 100);
