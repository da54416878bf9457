/** What the client commands take from the environment. They need no perdure.yaml: the API may be on another machine. */

const DEFAULT_API_PORT = '7400';

export interface ClientEnvironment {
  /** Base URL of the API. */
  readonly url: string;
  readonly key: string | undefined;
}

/** An empty variable counts as absent. */
export function clientEnvironment(env: NodeJS.ProcessEnv): ClientEnvironment {
  const port = env['PERDURE_API_PORT']?.trim() || DEFAULT_API_PORT;
  return {
    url: env['PERDURE_URL']?.trim() || `http://127.0.0.1:${port}`,
    key: env['PERDURE_KEY']?.trim() || undefined,
  };
}
