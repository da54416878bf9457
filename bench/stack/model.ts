import { join } from 'node:path';
import { firstMessage, forkProcess } from './fork.ts';

export interface Model extends AsyncDisposable {
  /** Base URL of an OpenAI-compatible API. */
  readonly url: string;
}

/** The model server, in a process of its own. */
export async function startModel(folder: string): Promise<Model> {
  const forked = forkProcess('../model/server.ts', {
    args: [],
    logFile: join(folder, 'model.log'),
  });
  const port = await firstMessage(forked, (message) => (message as { port?: number }).port);
  return {
    url: `http://127.0.0.1:${port}/v1`,
    [Symbol.asyncDispose]: async () => {
      forked.process.disconnect();
      await forked[Symbol.asyncDispose]();
    },
  };
}
