/** The system prompt: a template of the agent, filled once a step. Pure. */
import type { AgentSettings } from '../../../contracts/settings.ts';

export interface PromptVariables {
  readonly agent: string;
  readonly workspace: string | null;
  readonly model: string;
  /** ISO 8601 date without a time: a prompt that changed every minute would never be found in a provider's cache. */
  readonly date: string;
}

const PLACEHOLDER = /\{\{\s*([\w-]+)\s*\}\}/g;

/** A placeholder without a value stays as it is: silently dropping it would hide a spelling mistake. */
export function systemPrompt(
  agent: Pick<AgentSettings, 'instructions' | 'variables'>,
  variables: PromptVariables,
): string {
  const values: ReadonlyMap<string, string> = new Map(
    Object.entries({
      agent: variables.agent,
      workspace: variables.workspace ?? 'none',
      model: variables.model,
      date: variables.date,
      ...agent.variables,
    }),
  );
  return agent.instructions.replace(
    PLACEHOLDER,
    (whole, name: string) => values.get(name) ?? whole,
  );
}
