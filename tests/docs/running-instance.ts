import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SEARCH_ATTRIBUTES } from '../support/search-attributes.ts';
import { freePort } from '../../servers/child.ts';
import { startDevServer } from '../../servers/dev-server.ts';
import { ProductProcess } from '../support/processes.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

export interface RunningInstance extends AsyncDisposable {
  /** What a command of the documentation needs to reach this instance instead of one on the default ports. */
  readonly env: NodeJS.ProcessEnv;
  /** The text with the default ports replaced by this instance's. */
  translate(text: string): string;
}

const PROVIDER_KEYS = { OPENROUTER_API_KEY: '', OPENAI_API_KEY: '', ANTHROPIC_API_KEY: '' };

/** Perdure with the demo model, as `npm start` runs it, on free ports. */
export async function runningInstance(): Promise<RunningInstance> {
  await using started = new AsyncDisposableStack();
  const folder = started.use(await temporaryFolder()).path;
  const home = join(folder, 'home');
  await mkdir(home);
  const config = join(folder, 'perdure.yaml');
  await writeFile(config, 'defaultModel: demo\n');
  const temporal = started.use(
    await startDevServer({
      port: await freePort(),
      searchAttributes: SEARCH_ATTRIBUTES,
      logFile: join(folder, 'temporal.log'),
    }),
  );
  const port = await freePort();
  const env = {
    ...PROVIDER_KEYS,
    PERDURE_HOME: home,
    PERDURE_CONFIG: config,
    PERDURE_API_PORT: `${port}`,
    TEMPORAL_ADDRESS: temporal.address,
  };
  const product = started.use(
    new ProductProcess({
      name: 'perdure',
      args: ['all-in-one'],
      env,
      folder,
      readyUrl: `http://127.0.0.1:${port}/readyz`,
    }),
  );
  await product.start();
  const kept = started.move();
  return {
    env: { ...process.env, ...env },
    translate: (text) => text.replaceAll('127.0.0.1:7400', `127.0.0.1:${port}`),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}
