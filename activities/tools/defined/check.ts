/** Whether what a file exports is a tool: every problem at once, in words for whoever wrote it. Pure. */
import { z } from 'zod';
import { TIME_LIMITS } from '../../../contracts/limits.ts';
import { linearPattern } from '../../../contracts/patterns.ts';
import { environmentName } from '../../../contracts/environment-name.ts';
import { toolSchemaProblem } from '../../../contracts/tool-schema.ts';
import { approvalRuleSchema, effectSchema, toolNameSchema } from '../../../contracts/tools.ts';
import { ArgumentChecker } from '../arguments.ts';
import type { JsonSchema, ToolOptions } from './define-tool.ts';

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;
const aFunction = z.custom<(...args: never[]) => unknown>(
  (value) => typeof value === 'function',
  'expected a function',
);
const aSchema = z.custom<z.ZodType | JsonSchema>(isObject, 'expected a zod or JSON Schema');

/** "__" stands between the name of an MCP server and its tool's. */
const ownName = toolNameSchema.refine(
  (name) => !name.includes('__'),
  'expected no "__", which belongs to the tools of MCP servers',
);

const optionsSchema = z.strictObject({
  name: ownName,
  description: z.string().min(1).max(4_000),
  input: aSchema,
  output: aSchema.optional(),
  effect: effectSchema.default('never-retry'),
  timeoutMs: z.number().int().min(1_000).max(TIME_LIMITS.commandMaxMs).optional(),
  approval: approvalRuleSchema.optional(),
  secrets: z.array(environmentName).default([]),
  needsWorkspace: z.boolean().optional(),
  execute: aFunction,
  probe: aFunction.optional(),
});

export interface SoundTool extends Omit<z.output<typeof optionsSchema>, 'execute' | 'probe'> {
  readonly execute: ToolOptions['execute'];
  readonly probe: ToolOptions['probe'];
  readonly inputSchema: JsonSchema;
  readonly outputSchema: JsonSchema | undefined;
}

export type Checked =
  | { readonly tool: SoundTool; readonly problems?: undefined }
  | { readonly problems: readonly string[]; readonly tool?: undefined };

export function checkTool(options: unknown): Checked {
  const { success, data, error } = optionsSchema.safeParse(options);
  if (!success) return { problems: error.issues.map(wordsOf) };
  const input = jsonSchemaOf(data.input, { io: 'input', isInput: true });
  const output = data.output && jsonSchemaOf(data.output, { io: 'output', isInput: false });
  const problems = [
    ...(input.problem === undefined ? [] : [`input${input.problem}`]),
    ...(output?.problem === undefined ? [] : [`output${output.problem}`]),
    ...(data.probe && data.effect !== 'never-retry'
      ? [`probe: only a never-retry tool is asked, and this one is ${data.effect}`]
      : []),
  ];
  if (problems.length > 0) return { problems };
  const { execute, probe } = data as unknown as Pick<ToolOptions, 'execute' | 'probe'>;
  const schemas = { inputSchema: input.schema!, outputSchema: output?.schema };
  return { tool: { ...data, ...schemas, execute, probe } };
}

function wordsOf({ path, code, message, ...issue }: z.core.$ZodIssue): string {
  if (code === 'unrecognized_keys') return message;
  const where = path.map(String).join('.') || 'the definition';
  const isMissing = 'input' in issue ? issue.input === undefined : /undefined/.test(message);
  return `${where}: ${isMissing ? `is missing (${message})` : message}`;
}

interface JsonSchemaOf {
  readonly schema?: JsonSchema;
  /** Begins with its place: ".items.pattern: …", ": …". */
  readonly problem?: string;
}

export const isZod = (schema: z.ZodType | JsonSchema): schema is z.ZodType => '_zod' in schema;

function jsonSchemaOf(
  schema: z.ZodType | JsonSchema,
  { io, isInput }: { io: 'input' | 'output'; isInput: boolean },
): JsonSchemaOf {
  if (!isZod(schema) && 'safeParse' in schema)
    return { problem: ': is a schema of zod 3; take z from perdure/tools' };
  let json: JsonSchema;
  try {
    json = isZod(schema) ? z.toJSONSchema(schema, { io, override: dropHardPattern }) : schema;
  } catch (error) {
    return { problem: `: cannot be said in JSON Schema: ${(error as Error).message}` };
  }
  if (isInput && json['type'] !== 'object')
    return { problem: ': expected the schema of an object' };
  const found = toolSchemaProblem(json);
  if (!found) {
    const problem = new ArgumentChecker().ownProblem(json);
    return problem === undefined ? { schema: json } : { problem: `: ${problem}` };
  }
  const place = found.path.map((key) => `.${key}`).join('');
  return { problem: `${place}: ${found.message}` };
}

/** zod's own patterns look around, which ours cannot; zod checks them itself before the tool runs. */
function dropHardPattern({ jsonSchema }: { jsonSchema: { pattern?: string | undefined } }): void {
  if (jsonSchema.pattern === undefined) return;
  try {
    linearPattern(jsonSchema.pattern);
  } catch {
    delete jsonSchema.pattern;
  }
}
