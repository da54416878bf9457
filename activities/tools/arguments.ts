/** Checks a call's arguments against the tool's JSON Schema before anything is asked to run it. */
import { Ajv2020 } from 'ajv/dist/2020.js';
import type { ValidateFunction } from 'ajv/dist/2020.js';
import type { ToolDefinition } from './definition.ts';

/** Schemas come from sessions: unbounded, the compiled validators would be a leak. */
const REMEMBERED_SCHEMAS = 500;

/** Names of every problem that is shown; more only costs the model tokens. */
const MAX_PROBLEMS = 5;

export class ArgumentChecker {
  readonly #validators = new Map<string, ValidateFunction>();

  /** @returns what is wrong, in words for the model; undefined where nothing is */
  problem(tool: ToolDefinition, input: unknown): string | undefined {
    if (typeof input !== 'object' || input === null || Array.isArray(input))
      return 'the arguments must be a JSON object';
    let validate: ValidateFunction;
    try {
      validate = this.#validator(tool.inputSchema);
    } catch (error) {
      return `the tool's own schema is not valid: ${(error as Error).message}`;
    }
    if (validate(input)) return undefined;
    return (validate.errors ?? [])
      .slice(0, MAX_PROBLEMS)
      .map(
        ({ instancePath, message }) =>
          `${instancePath || 'arguments'} ${message ?? 'is not valid'}`,
      )
      .join('; ');
  }

  #validator(schema: ToolDefinition['inputSchema']): ValidateFunction {
    const key = JSON.stringify(schema);
    let validate = this.#validators.get(key);
    if (validate) return validate;
    // A fresh instance each: Ajv keeps every schema it has seen, and two sessions may use one $id for two schemas.
    validate = new Ajv2020({ strict: false, allErrors: true }).compile({
      ...schema,
      $schema: undefined,
    });
    if (this.#validators.size >= REMEMBERED_SCHEMAS) this.#validators.clear();
    this.#validators.set(key, validate);
    return validate;
  }
}
