/**
 * Every name that leads to Perdure's data folder inside a workspace, or to a part of it: its own, and those that bind mounts give it. A sandbox
 * hides them; the file tools compare identities instead (data-folder.ts), which no other program does.
 */
import { readFile, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { isInside } from './inside.ts';

/** A line of /proc/self/mountinfo (proc_pid_mountinfo(5)). */
interface Mount {
  readonly device: string;
  /** What of the device's own tree is mounted. */
  readonly root: string;
  readonly point: string;
}

const unescaped = (text: string): string =>
  text.replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)));

export const mountsIn = (mountinfo: string): readonly Mount[] =>
  mountinfo
    .split('\n')
    .map((line) => line.split(' '))
    .flatMap(([, , device, root, point]) =>
      device && root && point ? [{ device, root: unescaped(root), point: unescaped(point) }] : [],
    );

/** Pure. @param folder its real path @returns real paths inside the workspace, those that no longer exist too */
export function namesInside(
  workspace: string,
  folder: string,
  mounts: readonly Mount[],
): readonly string[] {
  const holding = mounts
    .filter(({ point }) => isInside(point, folder))
    // Of two at one place the later one covers the other.
    .reduce<Mount | undefined>(
      (best, each) => (best && best.point.length > each.point.length ? best : each),
      undefined,
    );
  const own = isInside(workspace, folder) ? [folder] : [];
  if (!holding) return own;
  const onDevice = path.join(holding.root, path.relative(holding.point, folder));
  const others = mounts
    .filter(({ device }) => device === holding.device)
    .flatMap(({ root, point }) => {
      if (isInside(root, onDevice)) return [path.join(point, path.relative(root, onDevice))];
      return isInside(onDevice, root) ? [point] : [];
    });
  return [...new Set([...own, ...others.filter((name) => isInside(workspace, name))])];
}

const exists = (name: string): Promise<boolean> =>
  stat(name).then(
    () => true,
    () => false,
  );

/** @param workspace its real path */
export async function dataFolderNames(workspace: string, home: string): Promise<readonly string[]> {
  const folder = await realpath(home).catch(() => undefined);
  if (folder === undefined) return [];
  const mounts = mountsIn(await readFile('/proc/self/mountinfo', 'utf8').catch(() => ''));
  const names = namesInside(workspace, folder, mounts);
  const there = await Promise.all(names.map(exists));
  return names.filter((_, index) => there[index]);
}
