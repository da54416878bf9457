/** What may stand in the JSON Schema of a tool. Any client may declare one, so that nothing in it may cost more than its size. Pure. */
import { Ajv2020 } from 'ajv/dist/2020.js';
import {
  MAX_TOOL_PATTERNS_LENGTH,
  MAX_TOOL_SCHEMA_BYTES,
  MAX_TOOL_SCHEMA_DEPTH,
} from './limits.ts';
import { linearPattern, patternLength } from './patterns.ts';

export interface SchemaProblem {
  /** Where in the schema. */
  readonly path: readonly (string | number)[];
  /** What is wrong and what is expected. */
  readonly message: string;
}

interface Place {
  readonly path: readonly (string | number)[];
  readonly value: unknown;
}

interface Pattern extends Omit<Place, 'value'> {
  readonly pattern: string;
}

/** Their values are data, not schemas. */
const DATA = new Set(['const', 'enum', 'default', 'examples']);

/** Inner first to be refused is the first found; without recursion, which a deep schema would exhaust. */
function* placesIn(schema: unknown): Generator<Place> {
  const left: Place[] = [{ path: [], value: schema }];
  for (let next = left.pop(); next; next = left.pop()) {
    yield next;
    const { path, value } = next;
    if (typeof value !== 'object' || value === null) continue;
    const isList = Array.isArray(value);
    for (const [key, inner] of Object.entries(value))
      if (isList || !DATA.has(key) || path.at(-1) === 'properties')
        left.push({ path: [...path, isList ? Number(key) : key], value: inner });
  }
}

function patternsAt({ path, value }: Place): Pattern[] {
  if (typeof value === 'string' && path.at(-1) === 'pattern' && path.at(-2) !== 'properties')
    return [{ path, pattern: value }];
  if (path.at(-1) !== 'patternProperties' || typeof value !== 'object' || value === null) return [];
  return Object.keys(value).map((pattern) => ({ path: [...path, pattern], pattern }));
}

function patternProblem({ path, pattern }: Pattern): SchemaProblem | undefined {
  try {
    linearPattern(pattern);
    return undefined;
  } catch (error) {
    const why = (error as Error).message;
    const expected =
      'expected a regular expression that RE2 knows (no look-around, no back-references, at most 1,000 repetitions)';
    return { path, message: `${JSON.stringify(pattern.slice(0, 200))}: ${why}; ${expected}` };
  }
}

let metaSchema: Ajv2020 | undefined;

/** Against the schema of schemas, which is compiled once. */
function formProblem(schema: Readonly<Record<string, unknown>>): SchemaProblem | undefined {
  metaSchema ??= new Ajv2020({ strict: false, logger: false, validateFormats: false });
  if (metaSchema.validateSchema({ ...schema, $schema: undefined })) return undefined;
  const [first] = metaSchema.errors ?? [];
  const path = (first?.instancePath ?? '').split('/').slice(1);
  return { path, message: `${first?.message ?? 'is not valid'}; expected JSON Schema 2020-12` };
}

/** Bytes of the schema as JSON; of one that is too deep for it, more than any limit. */
export function schemaBytes(schema: unknown): number {
  try {
    return new TextEncoder().encode(JSON.stringify(schema)).length;
  } catch {
    return Infinity;
  }
}

/** @returns the first thing that a tool's schema must not have */
export function toolSchemaProblem(
  schema: Readonly<Record<string, unknown>>,
): SchemaProblem | undefined {
  if (schemaBytes(schema) > MAX_TOOL_SCHEMA_BYTES)
    return { path: [], message: `expected a schema of at most ${MAX_TOOL_SCHEMA_BYTES} bytes` };
  let length = 0;
  for (const place of placesIn(schema)) {
    const { path } = place;
    if (path.length > MAX_TOOL_SCHEMA_DEPTH)
      return { path: [], message: `expected at most ${MAX_TOOL_SCHEMA_DEPTH} levels` };
    if (path.at(-1) === '$async' && path.at(-2) !== 'properties')
      return { path, message: 'is not a keyword of JSON Schema' };
    for (const found of patternsAt(place)) {
      length += patternLength(found.pattern);
      if (length > MAX_TOOL_PATTERNS_LENGTH)
        return {
          path: found.path,
          message: `expected regular expressions of at most ${MAX_TOOL_PATTERNS_LENGTH} characters together, repetitions counted`,
        };
      const problem = patternProblem(found);
      if (problem) return problem;
    }
  }
  return formProblem(schema);
}
