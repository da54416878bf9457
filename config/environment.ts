/** The one table of environment variables that are settings. They win over perdure.yaml. */

export interface EnvironmentSetting {
  readonly name: string;
  /** Where the value goes; `home` is the only one that is not in the file. */
  readonly path: readonly string[];
  readonly type: 'text' | 'number' | 'flag';
  readonly description: string;
}

type Row = readonly [
  name: string,
  path: string,
  type: EnvironmentSetting['type'],
  description: string,
];

const ROWS: readonly Row[] = [
  ['PERDURE_API_HOST', 'api.host', 'text', 'Address of the API.'],
  ['PERDURE_API_PORT', 'api.port', 'number', 'Port of the API.'],
  ['PERDURE_REQUIRE_KEY', 'api.requireKey', 'flag', 'Ask for a key on loopback too.'],
  [
    'PERDURE_BOOTSTRAP_KEY_FILE',
    'api.bootstrapKeyFile',
    'text',
    'File with the first operator key.',
  ],
  ['TEMPORAL_ADDRESS', 'temporal.address', 'text', 'A Temporal server that runs already.'],
  ['TEMPORAL_NAMESPACE', 'temporal.namespace', 'text', 'Temporal namespace.'],
  ['PERDURE_TEMPORAL_PORT', 'temporal.port', 'number', 'Port of the embedded Temporal.'],
  ['PERDURE_TEMPORAL_UI', 'temporal.ui', 'flag', 'Whether there is a Temporal UI.'],
  ['PERDURE_TEMPORAL_UI_PORT', 'temporal.uiPort', 'number', 'Port of the Temporal UI.'],
  ['PERDURE_DATABASE_URL', 'journal.url', 'text', 'postgres:// URL of the journal.'],
  [
    'PERDURE_WORKER_HEALTH_PORT',
    'worker.healthPort',
    'number',
    'Port of /healthz, /readyz and /metrics of a worker.',
  ],
  ['PERDURE_WORKER_HEALTH_HOST', 'worker.healthHost', 'text', 'Address of the health port.'],
  ['PERDURE_WORKER_DRAIN_MS', 'worker.drainMs', 'number', 'How long a shutdown waits.'],
  ['PERDURE_DEFAULT_MODEL', 'defaultModel', 'text', 'Name under models.'],
  ['PERDURE_LOG_LEVEL', 'log.level', 'text', 'Lines below this level are not written.'],
  ['PERDURE_OTLP_URL', 'telemetry.otlpUrl', 'text', 'OTLP/HTTP endpoint for traces.'],
];

export const ENVIRONMENT: readonly EnvironmentSetting[] = ROWS.map(
  ([name, path, type, description]) => ({ name, path: path.split('.'), type, description }),
);

/** Variables that are read elsewhere: before there are settings, or by their name when a secret is needed. */
export const OTHER_VARIABLES: Readonly<Record<string, string>> = {
  PERDURE_HOME: 'Data folder; `.perdure` in the folder of the start when absent.',
  PERDURE_CONFIG:
    'Path of the settings file; `perdure.yaml` in the folder of the start when absent.',
  PERDURE_URL:
    'Base URL of the API that commands talk to (`chat`, `sessions`, `approvals`, `runner` …), instead of this machine and PERDURE_API_PORT.',
  PERDURE_KEY: 'API key that those commands send.',
  PERDURE_SECRET_KEY:
    'Key that stored tokens are encrypted with: 32 bytes in base64, the same for all workers. The embedded mode makes its own.',
  PERDURE_OLD_SECRET_KEYS:
    'Keys of before, with commas between: still read after a change of the key.',
  PERDURE_CACHE: 'Where downloaded and built servers and compiled code are kept.',
  TEMPORAL_CLI_PATH: 'The Temporal CLI to start the embedded server with.',
  OPENROUTER_API_KEY: 'Key of OpenRouter; without perdure.yaml it also chooses the model.',
  OPENAI_API_KEY: 'Key of OpenAI; without perdure.yaml it also chooses the model.',
  ANTHROPIC_API_KEY: 'Key of Anthropic; without perdure.yaml it also chooses the model.',
};

const FLAGS: Readonly<Record<string, boolean>> = {
  true: true,
  '1': true,
  false: false,
  '0': false,
};

/** Not converted where it cannot be: validation then names the variable, the value and what is allowed. */
function convert(text: string, type: EnvironmentSetting['type']): unknown {
  if (type === 'flag') return FLAGS[text.toLowerCase()] ?? text;
  if (type === 'number') return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
  return text;
}

export interface EnvironmentValue {
  readonly setting: EnvironmentSetting;
  readonly value: unknown;
}

/** The settings that the environment gives; an empty variable counts as absent, as compose files pass them on. */
export const readEnvironment = (env: NodeJS.ProcessEnv): readonly EnvironmentValue[] =>
  ENVIRONMENT.flatMap((entry) => {
    const text = env[entry.name]?.trim();
    return text ? [{ setting: entry, value: convert(text, entry.type) }] : [];
  });
