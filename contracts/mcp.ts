/** MCP servers as perdure.yaml describes them, and what they say of their tools. zod at run time: not for workflows. */
import { z } from 'zod';
import { TIME_LIMITS } from './limits.ts';
import { environmentName } from './environment-name.ts';
import { approvalRuleSchema, effectSchema } from './tools.ts';

/** Between a server's name and its tool's, in what the model calls it. */
export const MCP_SEPARATOR = '__';

/** No two "_" in a row, so that `server__tool` reads one way only. */
export const mcpServerName = z
  .string()
  .max(24)
  .regex(
    /^[A-Za-z][A-Za-z0-9]*(?:[_-][A-Za-z0-9]+)*$/,
    'expected letters and digits, single "_" or "-" between them',
  );

const toolPattern = z
  .string()
  .min(1)
  .max(128)
  .regex(/^[\x21-\x7e]+$/, 'expected the name of a tool of the server, "*" for any characters');

export const mcpServerSchema = z.strictObject({
  command: z
    .string()
    .min(1)
    .optional()
    .describe('Program to start in the worker, spoken to by its standard input and output.'),
  args: z.array(z.string()).default([]).describe('Arguments of the program.'),
  env: z
    .record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/), environmentName)
    .default({})
    .describe(
      "The program's variables: each with the name of the worker's own variable that holds its value. Beside them it gets PATH, HOME, USER, LOGNAME, SHELL, TERM, LANG and TMPDIR, and nothing else.",
    ),
  cwd: z
    .string()
    .min(1)
    .optional()
    .describe('Folder of the program; the folder of the start when absent.'),
  url: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('Endpoint of a server that runs already (Streamable HTTP), instead of a command.'),
  headers: z
    .record(z.string().regex(/^[A-Za-z0-9-]+$/, 'expected the name of a header'), environmentName)
    .default({})
    .describe(
      'Headers of every request: each with the name of the environment variable that holds its value.',
    ),
  bearerEnv: environmentName
    .optional()
    .describe('Environment variable with the token for "Authorization: Bearer".'),
  allow: z
    .array(toolPattern)
    .default(['*'])
    .describe(
      "The server's tools that may be used, by the server's own names; `*` stands for any characters.",
    ),
  effects: z
    .record(toolPattern, effectSchema)
    .default({})
    .describe(
      "By tool (or pattern), instead of what the server's hints say: `read`, `keyed` or `never-retry`. `'*': never-retry` where its hints are not to be trusted.",
    ),
  approval: z
    .record(toolPattern, approvalRuleSchema)
    .default({})
    .describe('By tool (or pattern): whether a person is asked first.'),
  timeoutMs: z
    .number()
    .int()
    .min(1_000)
    .max(TIME_LIMITS.commandMaxMs)
    .optional()
    .describe('Limit of one call, milliseconds; `timeouts.commandMs` when absent.'),
  connectMs: z
    .number()
    .int()
    .min(100)
    .default(30_000)
    .describe('Limit of its start: process, handshake and list of tools; milliseconds.'),
  enabled: z.boolean().default(true).describe('Whether it is used at all.'),
});
export type McpServerSettings = z.infer<typeof mcpServerSchema>;
export type McpServers = Readonly<Record<string, McpServerSettings>>;

/** Names of the environment variables that a server refers to. */
export const mcpReferences = ({
  env,
  headers,
  bearerEnv,
}: McpServerSettings): readonly string[] => [
  ...new Set([...Object.values(env), ...Object.values(headers), ...(bearerEnv ? [bearerEnv] : [])]),
];

/** What a server says its tool does. Its word only. */
export const mcpHintsSchema = z.object({
  readOnly: z.boolean().optional(),
  destructive: z.boolean().optional(),
  idempotent: z.boolean().optional(),
  openWorld: z.boolean().optional(),
});
export type McpHints = z.infer<typeof mcpHintsSchema>;

const jsonObject = z.record(z.string(), z.unknown());

/** A tool as its server lists it, in the form in which it is approved. */
export const mcpToolSchema = z.object({
  /** The server's own name for it. */
  name: z.string(),
  description: z.string(),
  inputSchema: jsonObject,
  outputSchema: jsonObject.optional(),
  hints: mcpHintsSchema,
  /** SHA-256 of all that the server says of it. */
  hash: z.string(),
});
export type McpTool = z.infer<typeof mcpToolSchema>;

/** The tools of a server at one time. */
export const mcpManifestSchema = z.object({
  /** Of all its tools' hashes. */
  hash: z.string(),
  /** By name. */
  tools: z.array(mcpToolSchema),
  /** Only in the place of an approved list; see {@link REVOKED}. */
  revoked: z.literal(true).optional(),
});
export type McpManifest = z.infer<typeof mcpManifestSchema>;

/** In the place of an approved list: an operator has taken the approval back. No list of a server has its hash; who knows no mark sees that no tool is approved. */
export const REVOKED: McpManifest = { hash: '0'.repeat(64), tools: [], revoked: true };

/** What changed between what was approved and what a server lists. */
export interface McpChanges {
  readonly added: string[];
  readonly changed: string[];
  readonly removed: string[];
}

export function manifestChanges(approved: McpManifest, listed: McpManifest): McpChanges {
  const before = new Map(approved.tools.map(({ name, hash }) => [name, hash]));
  const after = new Map(listed.tools.map(({ name, hash }) => [name, hash]));
  return {
    added: [...after.keys()].filter((name) => !before.has(name)),
    changed: [...after].flatMap(([name, hash]) =>
      before.has(name) && before.get(name) !== hash ? [name] : [],
    ),
    removed: [...before.keys()].filter((name) => !after.has(name)),
  };
}

/** A tool that goes away needs nobody's word. */
export const needsApproval = ({ added, changed }: McpChanges): boolean =>
  added.length > 0 || changed.length > 0;

/** Whether one of the patterns means this tool; `*` stands for any characters. */
export const matchesTool = (patterns: readonly string[], name: string): boolean =>
  patterns.some((pattern) => matches(pattern, name));

/** The most exact of the patterns that mean the tool: its own name, else the longest. */
export function ruleFor<T>(rules: Readonly<Record<string, T>>, name: string): T | undefined {
  if (Object.hasOwn(rules, name)) return rules[name];
  const [best] = Object.keys(rules)
    .filter((pattern) => matches(pattern, name))
    .toSorted((a, b) => b.length - a.length);
  return best === undefined ? undefined : rules[best];
}

/** Without a regular expression: in time that grows with the product of the lengths, whatever the pattern. */
function matches(pattern: string, name: string): boolean {
  const [first = '', ...rest] = pattern.split('*');
  if (rest.length === 0) return pattern === name;
  if (!name.startsWith(first)) return false;
  const last = rest.pop() ?? '';
  let from = first.length;
  for (const piece of rest) {
    const at = name.indexOf(piece, from);
    if (at < 0) return false;
    from = at + piece.length;
  }
  return name.length - last.length >= from && name.endsWith(last);
}
