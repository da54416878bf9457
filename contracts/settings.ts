/**
 * Providers, models and agents as perdure.yaml describes them. The words live here because workers, API and clients share them;
 * reading files and environment is config/'s alone. zod at run time: not for workflows.
 */
import { z } from 'zod';
import { approvalPolicySchema } from './approval-policy.ts';
import type { ApprovalPolicy } from './approval-policy.ts';
import { credentialNameSchema } from './credentials.ts';
import { declaredToolsSchema } from './declared-tools.ts';
import { MAX_CALLS_PER_STEP } from './limits.ts';
import { runnerSelectorSchema } from './runners.ts';
import { environmentName } from './environment-name.ts';
import { approvalRuleSchema, toolNameSchema } from './tools.ts';

export const PROVIDER_KINDS = [
  'openrouter',
  'openai',
  'anthropic',
  'openai-compatible',
  'demo',
] as const;

export const providerSchema = z.strictObject({
  kind: z.enum(PROVIDER_KINDS).describe('Wire format of the provider.'),
  baseUrl: z
    .url()
    .optional()
    .describe('Base URL; required for openai-compatible (Ollama: http://127.0.0.1:11434/v1).'),
  apiKeyEnv: environmentName
    .optional()
    .describe(
      'Name of the environment variable that holds the key; the key itself never stands in the file.',
    ),
  credential: credentialNameSchema
    .optional()
    .describe(
      'Name under credentials: its token is the key of every request, renewed before it expires. Instead of apiKeyEnv.',
    ),
  headers: z.record(z.string(), z.string()).optional().describe('Extra headers of every request.'),
});
export type ProviderSettings = z.infer<typeof providerSchema>;

export const modelSchema = z.strictObject({
  provider: z.string().describe('Name under providers.'),
  model: z.string().describe("The provider's own name of the model."),
  contextTokens: z
    .number()
    .int()
    .min(256)
    .default(128_000)
    .describe('The context window in tokens; never more is sent.'),
  maxOutputTokens: z
    .number()
    .int()
    .min(16)
    .default(4_096)
    .describe('Most tokens of one answer; reserved out of the window.'),
  vision: z
    .boolean()
    .optional()
    .describe(
      'Whether it sees images (png, jpeg, gif, webp) in messages and results; else it is told their names. Absent: yes for the GPT, Claude and Gemini models that do, no for others and for openai-compatible providers.',
    ),
  inputUsdPerMTok: z.number().min(0).default(0).describe('US dollars per million input tokens.'),
  outputUsdPerMTok: z.number().min(0).default(0).describe('US dollars per million output tokens.'),
  cachedInputUsdPerMTok: z
    .number()
    .min(0)
    .optional()
    .describe('US dollars per million cached input tokens; the input price when absent.'),
  temperature: z
    .number()
    .min(0)
    .max(2)
    .optional()
    .describe("The provider's own default when absent."),
});
export type ModelSettings = z.infer<typeof modelSchema>;

/** The tools of an agent that names none: they only read, and only its workspace. */
export const DEFAULT_TOOLS = ['list_files', 'read_file', 'search_files'] as const;
/** The tools that every worker has. */
export const BUILT_IN_TOOLS = [
  ...DEFAULT_TOOLS,
  'write_file',
  'edit_file',
  'run_command',
  'fetch_url',
] as const;

/** Letters, digits, "_" and "-"; `server__*` is every tool of that server. */
const toolReference = z
  .string()
  .regex(
    /^[A-Za-z](?:[A-Za-z0-9_-]{0,63}|[A-Za-z0-9_-]{0,60}__\*)$/,
    'expected the name of a tool, or "server__*" for every tool of an MCP server',
  );

export const limitsSchema = z
  .strictObject({
    stepsPerTurn: z.number().int().min(1).max(1_000).describe('Model steps in one turn.'),
    parallelCalls: z
      .number()
      .int()
      .min(1)
      .max(MAX_CALLS_PER_STEP)
      .describe('Tool calls of one model step that workers run at once; 16 when absent.'),
    tokensPerTurn: z
      .number()
      .int()
      .min(1)
      .nullable()
      .describe('Input and output tokens in one turn; null is unlimited.'),
    usdPerTurn: z
      .number()
      .positive()
      .nullable()
      .describe('US dollars in one turn; null is unlimited.'),
    tokensPerSession: z
      .number()
      .int()
      .min(1)
      .nullable()
      .describe('Tokens in the whole session; null is unlimited.'),
    usdPerSession: z
      .number()
      .positive()
      .nullable()
      .describe('US dollars in the whole session; null is unlimited.'),
  })
  .partial();
export type LimitOverrides = z.infer<typeof limitsSchema>;

export const agentSchema = z.strictObject({
  instructions: z
    .string()
    .default('')
    .describe(
      'System prompt. A template: {{agent}}, {{workspace}}, {{date}}, {{model}} and every key of `variables`.',
    ),
  variables: z.record(z.string(), z.string()).default({}).describe('Values for the template.'),
  model: z.string().optional().describe('Name under models; the default model when absent.'),
  fallbackModels: z
    .array(z.string())
    .default([])
    .describe('Models to try, in order, when the model fails for good.'),
  tools: z
    .array(toolReference)
    .default([...DEFAULT_TOOLS])
    .describe('Names of the tools it may call: built-in ones, your own, and those of MCP servers.'),
  approvals: z
    .record(toolNameSchema, approvalRuleSchema)
    .optional()
    .describe(
      'Tool → whether a person is asked before it runs: `always`, `never`, or `policy`; instead of what the tool says.',
    ),
  approvalPolicy: approvalPolicySchema
    .optional()
    .describe('Rules of this agent, looked at before those of all.'),
  clientTools: declaredToolsSchema.default([]).describe('Tools that the client answers.'),
  runner: runnerSelectorSchema
    .optional()
    .describe(
      'Remote runners that execute tools for its sessions: `name`, or all that have these `labels`. A session may name another.',
    ),
  engine: z
    .strictObject({
      cli: z.string().describe('Name under cliProviders, or one of claude, codex and gemini.'),
    })
    .optional()
    .describe('A program that answers instead of a model (docs/cli-providers.md).'),
  limits: limitsSchema.default({}).describe('Overrides of the limits.'),
});
export type AgentSettings = z.infer<typeof agentSchema>;

/** What a worker needs to know to call models. */
export interface ModelCatalogue {
  readonly providers: Readonly<Record<string, ProviderSettings>>;
  readonly models: Readonly<Record<string, ModelSettings>>;
  readonly agents: Readonly<Record<string, AgentSettings>>;
  /** For all agents; none when absent. */
  readonly approvalPolicy?: ApprovalPolicy | undefined;
  /** Name under models. */
  readonly defaultModel: string;
  /** Name under agents. */
  readonly defaultAgent: string;
}
