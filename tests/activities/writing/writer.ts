/** The writing tools on a folder of their own. */
import type { ProbeAnswer } from '../../../activities/tools/executor.ts';
import type { WorkspaceRun } from '../../../activities/tools/workspace/run.ts';
import { dataFolder } from '../../../activities/tools/workspace/data-folder.ts';
import { editFile, previewEdit, probeEdit } from '../../../activities/tools/workspace/edit-file.ts';
import type { Edit } from '../../../activities/tools/workspace/edits.ts';
import { previewWrite, writeFile } from '../../../activities/tools/workspace/write-file.ts';
import { newId } from '../../../contracts/ids.ts';
import { openFolder } from '../workspace-folder.ts';

type Folder = Awaited<ReturnType<typeof openFolder>>;

export interface Writer extends AsyncDisposable {
  readonly folder: Folder;
  write(path: string, content: string, over?: Partial<WorkspaceRun>): Promise<string>;
  previewWrite(path: string, content: string): Promise<string>;
  edit(path: string, ...edits: Edit[]): Promise<string>;
  previewEdit(path: string, ...edits: Edit[]): Promise<string>;
  probe(path: string, ...edits: Edit[]): Promise<ProbeAnswer>;
}

export async function openWriter(files: Record<string, string | Buffer> = {}): Promise<Writer> {
  const folder = await openFolder(files);
  const runOf = async (input: object, over: Partial<WorkspaceRun> = {}): Promise<WorkspaceRun> => ({
    sessionId: newId('ses'),
    callId: newId('call'),
    name: 'write_file',
    input,
    workspace: folder.workspace,
    dataFolder: await dataFolder(folder.home),
    signal: new AbortController().signal,
    progress: () => undefined,
    ...over,
  });
  return {
    folder,
    write: async (path, content, over) => writeFile(await runOf({ path, content }, over)),
    previewWrite: async (path, content) => previewWrite(await runOf({ path, content })),
    edit: async (path, ...edits) => editFile(await runOf({ path, edits })),
    previewEdit: async (path, ...edits) => previewEdit(await runOf({ path, edits })),
    probe: async (path, ...edits) => probeEdit(await runOf({ path, edits })),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}
