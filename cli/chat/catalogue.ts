/** What may be chosen, and whether it is an AI. */
import type { PerdureClient } from '../../client/index.ts';
import type { ChatOptions } from './options.ts';

export type Catalogue = Awaited<ReturnType<typeof catalogueOf>>;

export const catalogueOf = (client: PerdureClient) =>
  client.call((trpc, call) => trpc.agent.list.query(undefined, call));

/** The model that a new session would begin with. */
export const firstModel = ({ agents, models }: Catalogue, options: ChatOptions): string => {
  const agent = agents.find(({ name, default: usual }) =>
    options.agent ? name === options.agent : usual,
  );
  const usual = models.find((model) => model.default)?.name ?? '';
  return options.model ?? agent?.model ?? usual;
};

/** How a model is named on the screen; the demo never without saying what it is, and how to come by a real one. */
export function modelLine({ models }: Catalogue, name: string): string {
  const model = models.find((model) => model.name === name);
  if (!model?.scripted) return `model: ${name}`;
  return (
    `model: ${name}, the built-in demo: a script, not an AI. It really calls tools; try "what is in this folder?".\n` +
    realModel(models.filter(({ scripted }) => !scripted).map(({ name }) => name))
  );
}

/** Where there is one beside the demo, a key or another start would change nothing: the demo was chosen. */
function realModel([first, ...more]: readonly string[]): string {
  if (first === undefined)
    return 'For a real model set OPENROUTER_API_KEY, OPENAI_API_KEY or ANTHROPIC_API_KEY and start Perdure again.';
  const others = more.length > 0 ? ` (or ${more.join(', ')})` : '';
  return `For a real model: npx perdure chat --model ${first}${others}, or /model ${first} in a session that has begun.`;
}
