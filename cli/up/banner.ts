import type { Settings } from '../../config/settings.ts';
import { localUrl } from '../local-url.ts';

/** What a person needs next: where everything is, which model answers, what to type. */
export function banner(settings: Settings): string {
  const { temporal, catalogue, home, modelReason } = settings;
  const url = localUrl(settings);
  const model = catalogue.models[catalogue.defaultModel];
  const isDemo = model && catalogue.providers[model.provider]?.kind === 'demo';
  const shown = isDemo
    ? 'demo (a script, not an AI)'
    : `${catalogue.defaultModel}: ${model?.model} (${model?.provider})`;
  return [
    '',
    'Perdure is running.',
    '',
    `  API          ${url}`,
    `  API docs     ${url}/api/docs`,
    temporal.embedded && temporal.ui
      ? `  Temporal UI  http://127.0.0.1:${temporal.uiPort}`
      : `  Temporal     ${temporal.address}`,
    `  Model        ${shown}`,
    `               ${modelReason}`,
    `  Data         ${home}`,
    '',
    ...(isDemo ? [realModel(settings), ''] : []),
    ...next(settings),
    'Stop with Ctrl-C.',
    '',
  ].join('\n');
}

/** Where there is one beside the demo, a key would change nothing: the demo was chosen. */
function realModel({ catalogue: { models, providers } }: Settings): string {
  const real = Object.entries(models).filter(
    ([, { provider }]) => providers[provider]?.kind !== 'demo',
  );
  return real.length > 0
    ? `A real model is there, too: ${real.map(([name]) => name).join(', ')}. Name it as defaultModel, or with: npx perdure chat --model NAME`
    : 'Set OPENROUTER_API_KEY, OPENAI_API_KEY or ANTHROPIC_API_KEY for a real model.';
}

/** Where nobody is let in without a key, the first one is made by whoever can read the data folder. */
const next = ({ api }: Settings): readonly string[] =>
  api.requireKey
    ? [
        'Next, in another terminal:  npx perdure keys create --user me --role operator',
        'and with the key it shows:  PERDURE_KEY=pdk_… npx perdure chat',
      ]
    : ['Next, in another terminal:  npx perdure chat'];
