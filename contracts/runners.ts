/** Remote runners: programs on people's machines that execute tools there. zod at run time: not for workflows, which take the types. */
import { z } from 'zod';
import { declaredToolsSchema } from './declared-tools.ts';
import type { SessionId, CallId, RunnerId } from './ids.ts';
import { idPattern } from './ids.ts';
import { LABEL_PART } from './runner-labels.ts';
import { RUNNER_NAME, RUNNER_NAME_EXPECTED } from './runner-name.ts';
import type { Effect } from './tools.ts';

export const runnerIdSchema = z
  .string()
  .regex(new RegExp(idPattern('run')), 'expected a runner id') as unknown as z.ZodType<
  RunnerId,
  string
>;

export const runnerNameSchema = z.string().regex(RUNNER_NAME, RUNNER_NAME_EXPECTED);

const MAX_LABELS = 20;
const labelSchema = z.string().regex(LABEL_PART, {
  error: 'expected up to 100 letters, digits, ".", "_", "/" or "-"',
});
export const runnerLabelsSchema = z
  .record(labelSchema.min(1), labelSchema)
  .refine((labels) => Object.keys(labels).length <= MAX_LABELS, {
    error: `expected at most ${MAX_LABELS} labels`,
  });
export type RunnerLabels = Readonly<z.infer<typeof runnerLabelsSchema>>;

/** Which runners may execute a session's remote tools: the one of this name, or each that has all of these labels. */
export const runnerSelectorSchema = z
  .strictObject({
    name: runnerNameSchema.optional().describe('The runner of this name.'),
    labels: runnerLabelsSchema
      .refine((labels) => Object.keys(labels).length > 0, { error: 'expected at least one label' })
      .optional()
      .describe('Any runner that has all of these labels.'),
  })
  .refine(({ name, labels }) => (name === undefined) !== (labels === undefined), {
    error: 'expected "name" or "labels", one of the two',
  });
export type RunnerSelector = Readonly<z.infer<typeof runnerSelectorSchema>>;

/** What a runner says of itself each time it starts. */
export const registerRunnerSchema = z.strictObject({
  name: runnerNameSchema,
  /** Of the folder in which the runner keeps results: the same after a restart, another one for a second process of this name. */
  instance: runnerIdSchema,
  labels: runnerLabelsSchema.default({}),
  /** Absolute path on the runner's machine, for people and models to read. */
  workdir: z.string().min(1).max(4_096),
  tools: declaredToolsSchema,
  version: z.string().min(1).max(100),
});
export type RegisterRunner = z.output<typeof registerRunnerSchema>;

/** The action by which a runner is asked to execute a tool. Durations only: its clock may be wrong. */
export interface AgentToolCall {
  /** What is asked for: so far there is nothing else. */
  readonly type: 'agent_tool_call';
  readonly invocation: {
    readonly callId: CallId;
    readonly name: string;
    readonly arguments?: unknown;
    readonly effect: Effect;
    /** From the claim to the result. */
    readonly timeoutMs: number;
    /** From 1; more where a runner before lost its claim of a call that may be repeated. */
    readonly attempt: number;
  };
  readonly sessionId: SessionId;
  /** Where it is to be done: the runner's own folder, as it registered it. */
  readonly workdir: string;
}

/**
 * What a runner is told: `offer`: a call that it may claim; `closed`: a call that it was offered has its result, whoever gave it, or none is
 * wanted any more. A runner that executes it stops.
 */
export type RunnerNews =
  | { readonly type: 'offer'; readonly action: AgentToolCall }
  | { readonly type: 'closed'; readonly callId: CallId };
