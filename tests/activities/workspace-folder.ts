/** A folder for the workspace tools, and the tools on it. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { locate } from '../../activities/tools/workspace/confinement.ts';
import type { Place } from '../../activities/tools/workspace/confinement.ts';
import { dataFolder } from '../../activities/tools/workspace/data-folder.ts';
import { workerTools } from '../../activities/tools/worker-tools.ts';
import { workspaceTools } from '../../activities/tools/workspace/tools.ts';
import { newId } from '../../contracts/ids.ts';
import { TIME_LIMITS } from '../../contracts/limits.ts';

const never = new AbortController().signal;

interface Folder extends AsyncDisposable {
  readonly workspace: string;
  readonly outside: string;
  /** Perdure's data folder, where `npm start` has it: in the workspace. */
  readonly home: string;
  locate(name: string): Promise<Place>;
  run(name: string, input: object, run?: Run): Promise<string>;
}

interface Run {
  readonly signal?: AbortSignal;
  readonly workspace?: string;
}

/** A workspace beside a secret that nobody may read. */
export async function openFolder(files: Record<string, string | Buffer> = {}): Promise<Folder> {
  const root = await mkdtemp(path.join(tmpdir(), 'perdure-workspace-'));
  const workspace = path.join(root, 'work');
  const outside = path.join(root, 'outside');
  const home = path.join(workspace, '.perdure');
  await mkdir(workspace);
  await mkdir(outside);
  await writeFile(path.join(outside, 'secret.txt'), 'TOP SECRET');
  for (const [name, content] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(workspace, name)), { recursive: true });
    await writeFile(path.join(workspace, name), content);
  }
  return {
    workspace,
    outside,
    home,
    locate: async (name) => locate({ workspace, dataFolder: await dataFolder(home) }, name),
    run: async (name, input, run = {}) =>
      String(
        await workerTools(workspaceTools(home), TIME_LIMITS).executors!.worker!.execute({
          sessionId: newId('ses'),
          callId: newId('call'),
          name,
          input,
          workspace,
          signal: never,
          progress: () => undefined,
          ...run,
        }),
      ),
    [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }),
  };
}
