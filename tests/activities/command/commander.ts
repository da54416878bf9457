/** The tool `run_command` on a workspace of its own, in a real sandbox. */
import type { ToolRun } from '../../../activities/tools/executor.ts';
import { commandTool } from '../../../activities/tools/command/tool.ts';
import { newId } from '../../../contracts/ids.ts';
import { TIME_LIMITS } from '../../../contracts/limits.ts';
import type { TimeLimits } from '../../../contracts/limits.ts';
import { sandboxSchema } from '../../../contracts/tool-settings.ts';
import { openFolder } from '../workspace-folder.ts';

type Folder = Awaited<ReturnType<typeof openFolder>>;

interface Given {
  readonly files?: Record<string, string | Buffer>;
  /** As perdure.yaml has it under `sandbox`. */
  readonly sandbox?: object;
  readonly variables?: Readonly<Record<string, string>>;
  readonly timeouts?: Partial<TimeLimits>;
}

export interface Commander extends AsyncDisposable {
  readonly folder: Folder;
  run(command: string, input?: object, over?: Partial<ToolRun>): Promise<string>;
}

export async function openCommander(given: Given = {}): Promise<Commander> {
  const folder = await openFolder(given.files);
  const tool = commandTool({
    home: folder.home,
    timeouts: { ...TIME_LIMITS, ...given.timeouts },
    sandbox: sandboxSchema.parse(given.sandbox ?? {}),
    variable: (name) => given.variables?.[name],
  });
  return {
    folder,
    run: async (command, input = {}, over = {}) =>
      String(
        await tool.execute({
          sessionId: newId('ses'),
          callId: newId('call'),
          name: 'run_command',
          input: { command, ...input },
          workspace: folder.workspace,
          signal: new AbortController().signal,
          progress: () => undefined,
          ...over,
        }),
      ),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}
