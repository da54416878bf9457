/** On which ports of this machine a process listens. Linux only. */
import { readdir, readFile, readlink } from 'node:fs/promises';

const LISTEN = '0A';

export async function listeningPorts(pid: number): Promise<number[]> {
  const files = await readdir(`/proc/${pid}/fd`);
  const targets = await Promise.all(
    files.map((file) => readlink(`/proc/${pid}/fd/${file}`).catch(() => '')),
  );
  const sockets = new Set(targets);
  const tables = await Promise.all(
    ['tcp', 'tcp6'].map((name) => readFile(`/proc/${pid}/net/${name}`, 'utf8')),
  );
  return tables.flatMap((table) =>
    table
      .trim()
      .split('\n')
      .slice(1)
      .map((line) => line.trim().split(/\s+/))
      .filter(
        ([, , , state, , , , , , inode]) => state === LISTEN && sockets.has(`socket:[${inode}]`),
      )
      .map(([, local]) => Number.parseInt(local!.split(':')[1]!, 16)),
  );
}
