import { z } from 'zod';
import { sessionIdSchema } from '../../contracts/events.ts';
import { runnerIdSchema, runnerLabelsSchema, type AgentToolCall } from '../../contracts/runners.ts';
import { callIdSchema, effectSchema } from '../../contracts/tools.ts';
import type { Owner, RunnerRow } from '../../journal/port.ts';
import { serves } from '../runners/serving.ts';
import { time } from './session.ts';

export const runnerSchema = z
  .object({
    runnerId: runnerIdSchema,
    name: z.string(),
    user: z.string(),
    shared: z.boolean().describe('Serves all users of the tenant.'),
    servesYou: z.boolean().describe('May execute the calls of your own sessions.'),
    online: z.boolean().describe('Connected, and takes calls.'),
    labels: runnerLabelsSchema,
    workdir: z.string(),
    tools: z.array(z.object({ name: z.string(), effect: effectSchema, description: z.string() })),
    version: z.string(),
    registeredAt: time,
    lastSeenAt: time,
  })
  .meta({ id: 'Runner' });

/** Twice the time after which it is marked as seen, and a little. */
const ONLINE_MS = 40_000;

export const runnerOf = (row: RunnerRow, you: Owner): z.infer<typeof runnerSchema> => ({
  ...row,
  servesYou: serves(row, you),
  online: !row.gone && Date.now() - Date.parse(row.lastSeenAt) < ONLINE_MS,
  tools: row.tools.map(({ name, effect, description }) => ({ name, effect, description })),
});

/** The action `agent_tool_call`. */
export const agentToolCallSchema: z.ZodType<AgentToolCall> = z
  .object({
    type: z.literal('agent_tool_call'),
    invocation: z.object({
      callId: callIdSchema,
      name: z.string(),
      arguments: z.json(),
      effect: effectSchema,
      timeoutMs: z.number().int(),
      attempt: z.number().int(),
    }),
    sessionId: sessionIdSchema,
    workdir: z.string(),
  })
  .meta({ id: 'AgentToolCall' });
