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
    temporal.embedded
      ? `  Temporal UI  http://127.0.0.1:${temporal.uiPort}`
      : `  Temporal     ${temporal.address}`,
    `  Model        ${shown}`,
    `               ${modelReason}`,
    `  Data         ${home}`,
    '',
    ...(isDemo
      ? ['Set OPENROUTER_API_KEY, OPENAI_API_KEY or ANTHROPIC_API_KEY for a real model.', '']
      : []),
    'Next, in another terminal:  npx perdure chat',
    'Stop with Ctrl-C.',
    '',
  ].join('\n');
}
