/** Checks a call's arguments against the tool's JSON Schema before anything is asked to run it. */
import { Ajv2020 } from 'ajv/dist/2020.js';
import type { ErrorObject, ValidateFunction } from 'ajv/dist/2020.js';
import { linearPattern } from '../../contracts/patterns.ts';
import { bounded } from './bounded.ts';
import type { ToolDefinition } from './definition.ts';

/** Schemas come from sessions: unbounded, the compiled validators would be a leak. */
const REMEMBERED_SCHEMAS = 500;

/** Names of every problem that is shown; more only costs the model tokens. */
const MAX_PROBLEMS = 5;

/** Declared schemas are small ones: a hundred times what they take. */
const COMPILE_MS = 1_000;
/** Linear patterns or not: references to references make work that doubles at each of them. */
const CHECK_MS = 250;

/** What can take more work than the schema's size times the value's: references, patterns, the comparison of all items with each other. */
const MULTIPLYING =
  /"(?:\$ref|\$dynamicRef|\$recursiveRef|pattern|patternProperties|uniqueItems)":/;
/** Characters times characters: a few milliseconds at the very most, and less than a time limit costs. */
const QUICK_WORK = 500_000;

const isQuick = (schema: string, value: unknown): boolean =>
  !MULTIPLYING.test(schema) && schema.length * JSON.stringify(value).length <= QUICK_WORK;

type Checked = readonly ErrorObject[];

const OPTIONS = {
  strict: false,
  allErrors: true,
  // Of declared ones it was checked; it costs more than all the rest.
  validateSchema: false,
  meta: false,
  validateFormats: false,
  // Inlined, a definition that is referred to a thousand times would be compiled a thousand times.
  inlineRefs: false,
  logger: false,
  code: { regExp: Object.assign(linearPattern, { code: 'linearPattern' }) },
} as const;

const TOO_SLOW = `the tool's schema takes too long to check; whoever declared it must make it simpler`;

export class ArgumentChecker {
  /** Null for a schema that took too long once: it gets no second chance to hold everybody up. */
  readonly #validators = new Map<string, ValidateFunction | null>();

  /** @returns what is wrong, in words for the model; undefined where nothing is */
  problem(tool: Pick<ToolDefinition, 'inputSchema'>, input: unknown): string | undefined {
    if (typeof input !== 'object' || input === null || Array.isArray(input))
      return 'the arguments must be a JSON object';
    return this.schemaProblem(tool.inputSchema, input, 'arguments');
  }

  /** @returns why no value can be checked against it: a reference that leads nowhere, or more work than is done */
  ownProblem(schema: ToolDefinition['inputSchema']): string | undefined {
    try {
      return this.#validator(JSON.stringify(schema), schema) ? undefined : TOO_SLOW;
    } catch (error) {
      return (error as Error).message;
    }
  }

  /** @param what it is called where all of it is meant */
  schemaProblem(
    schema: ToolDefinition['inputSchema'],
    value: unknown,
    what: string,
  ): string | undefined {
    let problems: Checked | undefined;
    try {
      problems = this.#check(schema, value);
    } catch (error) {
      return `the tool's own schema is not valid: ${(error as Error).message}`;
    }
    if (!problems) return TOO_SLOW;
    if (problems.length === 0) return undefined;
    return problems
      .slice(0, MAX_PROBLEMS)
      .map(({ instancePath, message }) => `${instancePath || what} ${message ?? 'is not valid'}`)
      .join('; ');
  }

  /** @returns undefined where it takes too long */
  #check(schema: ToolDefinition['inputSchema'], input: unknown): Checked | undefined {
    const key = JSON.stringify(schema);
    const validate = this.#validator(key, schema);
    if (!validate) return undefined;
    const check = (): Checked => (validate(input) ? [] : (validate.errors ?? []));
    const done = isQuick(key, input) ? { value: check() } : bounded(check, CHECK_MS);
    validate.errors = null;
    if (!done) this.#validators.set(key, null);
    return done?.value;
  }

  #validator(key: string, schema: ToolDefinition['inputSchema']): ValidateFunction | null {
    const known = this.#validators.get(key);
    if (known !== undefined) return known;
    // A fresh instance each: Ajv keeps every schema it has seen, and two sessions may use one $id for two schemas.
    const compile = () =>
      new Ajv2020(OPTIONS).compile({ ...schema, $schema: undefined, $async: undefined });
    const validate = bounded(compile, COMPILE_MS)?.value ?? null;
    if (this.#validators.size >= REMEMBERED_SCHEMAS) this.#validators.clear();
    this.#validators.set(key, validate);
    return validate;
  }
}
