import { z } from 'zod';
import { person, router } from '../procedures.ts';
import { rest } from './rest.ts';

const agentSchema = z
  .object({
    name: z.string(),
    default: z.boolean(),
    model: z.string(),
    fallbackModels: z.array(z.string()),
    tools: z.array(z.string()),
    clientTools: z.array(z.string()),
  })
  .meta({ id: 'Agent' });

const modelSchema = z
  .object({
    name: z.string(),
    default: z.boolean(),
    provider: z.string(),
    kind: z.string(),
    contextTokens: z.number().int(),
    /** True for the built-in demo, which is a script and not an AI. */
    scripted: z.boolean(),
  })
  .meta({ id: 'Model' });

export const agentRouter = router({
  list: person
    .meta(rest('GET /api/agents', 'Agents and models that a session may choose'))
    .output(
      z
        .object({ agents: z.array(agentSchema), models: z.array(modelSchema) })
        .meta({ id: 'Agents' }),
    )
    .query(({ ctx }) => {
      const { agents, models, providers, defaultAgent, defaultModel } = ctx.deps.catalogue;
      return {
        agents: Object.entries(agents).map(([name, agent]) => ({
          name,
          default: name === defaultAgent,
          // A program chooses its model itself: its name stands for it.
          model: agent.engine?.cli ?? agent.model ?? defaultModel,
          fallbackModels: [...agent.fallbackModels],
          tools: [...agent.tools],
          clientTools: agent.clientTools.map((tool) => tool.name),
        })),
        models: Object.entries(models).map(([name, model]) => {
          const kind = providers[model.provider]?.kind ?? 'unknown';
          const { provider, contextTokens } = model;
          const scripted = kind === 'demo';
          return { name, default: name === defaultModel, provider, kind, contextTokens, scripted };
        }),
      };
    }),
});
