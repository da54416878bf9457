/** docs/configuration.md, from the schema, the table of environment variables and the example. */
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { ENVIRONMENT, OTHER_VARIABLES } from '../config/environment.ts';
import { offersByKey } from '../config/models.ts';
import { settingsSchema } from '../config/schema.ts';
import { describeSchema } from '../config/walk.ts';
import { POLICIES } from '../contracts/policies.ts';

export interface SettingRow {
  readonly path: string;
  readonly type: string;
  readonly fallback: string;
  readonly meaning: string;
}

/** Every setting of a schema, innermost ones only; `NAME` and `[]` stand for the keys that a person chooses. */
export function settingRows(schema: z.core.$ZodType, path = ''): readonly SettingRow[] {
  const { schema: inner, description = '', fallback, required } = describeSchema(schema);
  if (inner instanceof z.ZodObject && !isOpen(inner)) {
    return Object.entries(inner.shape as Record<string, z.core.$ZodType>).flatMap(([key, value]) =>
      settingRows(value, path === '' ? key : `${path}.${key}`),
    );
  }
  if (inner instanceof z.ZodRecord && isObject(inner.def.valueType))
    return settingRows(inner.def.valueType, `${path}.NAME`);
  if (inner instanceof z.ZodArray && isObject(inner.def.element))
    return settingRows(inner.def.element, `${path}[]`);
  const shown = required ? 'required' : fallback === undefined ? '–' : `\`${json(fallback)}\``;
  return [{ path, type: typeOf(inner), fallback: shown, meaning: description }];
}

/** A mapping whose keys are not ours to list, such as a JSON Schema. */
const isOpen = (schema: z.ZodObject): boolean => schema.def.catchall instanceof z.ZodUnknown;
const isObject = (schema: z.core.$ZodType): boolean =>
  describeSchema(schema).schema instanceof z.ZodObject;
const json = (value: unknown): string => JSON.stringify(value).replaceAll('"', '');

function typeOf(schema: z.core.$ZodType): string {
  if (schema instanceof z.ZodEnum) return schema.options.map((each) => `\`${each}\``).join(', ');
  if (schema instanceof z.ZodNumber) return numberType(schema);
  if (schema instanceof z.ZodBoolean) return 'true or false';
  if (schema instanceof z.ZodArray) return `list of ${typeOf(schema.def.element)}`;
  if (schema instanceof z.ZodRecord) return 'names and texts';
  if (schema instanceof z.ZodObject || schema instanceof z.ZodDiscriminatedUnion) return 'mapping';
  return schema instanceof z.ZodURL ? 'URL' : 'text';
}

function numberType(schema: z.ZodNumber): string {
  const { minValue, maxValue, isInt } = schema;
  const kind = isInt ? 'whole number' : 'number';
  const low = minValue !== null && minValue > Number.MIN_SAFE_INTEGER ? `≥ ${minValue}` : '';
  const high = maxValue !== null && maxValue < Number.MAX_SAFE_INTEGER ? `≤ ${maxValue}` : '';
  return [kind, [low, high].filter(Boolean).join(', ')].filter(Boolean).join(' ');
}

const cell = (text: string): string => text.replaceAll('|', '\\|');
const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows]
    .map((row) => `| ${row.map(cell).join(' | ')} |`)
    .join('\n');

function environmentTable(): string {
  const settings = ENVIRONMENT.map(({ name, path, description }) => [
    `\`${name}\``,
    `\`${path.join('.')}\``,
    description,
  ]);
  const others = Object.entries(OTHER_VARIABLES).map(([name, text]) => [`\`${name}\``, '–', text]);
  return table(['variable', 'setting', 'meaning'], [...settings, ...others]);
}

const KEYS = ['OPENROUTER_API_KEY', 'OPENAI_API_KEY', 'ANTHROPIC_API_KEY'];

/** What each provider key alone would choose. */
const keyModels = (): string =>
  table(
    ['key', 'model', 'window', 'input', 'cached input', 'output'],
    KEYS.flatMap((key) =>
      offersByKey({ [key]: 'set' }).map(({ model }) => [
        `\`${key}\``,
        `\`${model.model}\``,
        `${model.contextTokens}`,
        `${model.inputUsdPerMTok}`,
        `${model.cachedInputUsdPerMTok ?? model.inputUsdPerMTok}`,
        `${model.outputUsdPerMTok}`,
      ]),
    ),
  );

function settingsSections(): string {
  const groups = Map.groupBy(settingRows(settingsSchema), ({ path }) =>
    path.includes('.') ? (path.split('.')[0] ?? '') : '',
  );
  const sections = [...groups].toSorted(([a], [b]) => (a === '' ? -1 : b === '' ? 1 : 0));
  return sections
    .map(([name, rows]) =>
      [
        name === '' ? '### At the top' : `### \`${name}\``,
        '',
        table(
          ['setting', 'value', 'default', 'meaning'],
          rows.map((row) => [`\`${row.path}\``, row.type, row.fallback, row.meaning]),
        ),
      ].join('\n'),
    )
    .join('\n\n');
}

const policyTable = (): string =>
  table(
    ['policy', 'attempts', 'firstWaitMs', 'factor', 'maxWaitMs', 'attemptMs'],
    Object.entries(POLICIES).map(([name, policy]) => [
      `\`${name}\``,
      policy.attempts === null ? 'until it works' : `${policy.attempts}`,
      ...[policy.firstWaitMs, policy.factor, policy.maxWaitMs, policy.attemptMs].map(String),
    ]),
  );

export async function configurationPage(): Promise<string> {
  const example = await readFile('examples/perdure.yaml', 'utf8');
  return `# Configuration

<!-- Made by \`npm run generate\` from config/ and examples/perdure.yaml. Change those. -->

Perdure needs no configuration. It reads \`perdure.yaml\` in the folder where it is started (or the file that \`PERDURE_CONFIG\` names), then
the environment, which wins. Everything is checked before anything starts: all problems are listed at once, each with its path, its line
or variable, and what is allowed; the exit code is then 3. \`perdure doctor\` does the same check and more. A change holds from the next start.

Secrets never stand in the file: a provider names the environment variable that holds its key (\`apiKeyEnv\`), which is read when it is used.

## Which model is used

\`defaultModel\`; else the first of \`models\`; else, by the first of these keys that is set, OpenRouter (\`OPENROUTER_API_KEY\`), OpenAI
(\`OPENAI_API_KEY\`) or Anthropic (\`ANTHROPIC_API_KEY\`); else the first model of an Ollama that answers on 127.0.0.1:11434; else the demo
model, a script that needs nothing and says so. The model \`demo\` can always be named.

${keyModels()}

Names, windows and prices (US dollars per million tokens) as the providers listed them on 2026-11-21. Providers end models and change
prices: check your provider's price list, and state another model under \`models\` where it differs. Money limits and \`costUsd\` count with
these figures; a model of \`models\` without prices costs nothing there.

## Environment

${environmentTable()}

## Settings

${settingsSections()}

## Retry policies

\`policies\` changes single figures of this table. Time limits of attempts come from \`timeouts\` unless a policy states its own.

${policyTable()}

## Exit codes of \`perdure\`

| code | meaning |
| --- | --- |
| 0 | done |
| 1 | failed |
| 2 | wrong usage: unknown command or option, something missing or malformed; the message names the help that says how |
| 3 | wrong settings |
| 4 | something needed is not reachable: a server, the database, a port |
| 5 | what was named does not exist, or is somebody else's |
| 130 | interrupted |

## JSON of \`perdure\`

\`--json\` prints objects, one a line: one where one thing was asked for, else as many as there are, and nothing where there is none. So do \`list\` of each command, \`audit\`, \`doctor\`
(a line a check), \`sessions events\` and \`transcript\`, and \`chat\` and \`runner\` as things happen. Where lines are of several kinds, \`type\` says which: \`auth list\` has \`credential\`
and \`breaker\`. Times are ISO 8601 in UTC; durations are milliseconds, and their names end in \`Ms\`. Errors are no JSON: they go to standard error and into the exit code.

<!-- run -->

\`\`\`sh
npx perdure doctor --json | grep '"status":"warning"'
npx perdure sessions list --json --limit 1
\`\`\`

## A full example

\`\`\`yaml
${example.trim()}
\`\`\`
`;
}
