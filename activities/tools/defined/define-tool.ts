/** A tool of a user's own: what a file in the folder of tools exports. Types and marks only; the worker checks it when it starts. */
import type { z } from 'zod';
import type { CallId, SessionId } from '../../../contracts/ids.ts';
import type { ApprovalRule, Effect } from '../../../contracts/tools.ts';
import type { ProbeAnswer } from '../executor.ts';

/** JSON Schema 2020-12; of an input, an object. */
export type JsonSchema = Readonly<Record<string, unknown>>;
type Schema = z.ZodType | JsonSchema;

/** What a schema of zod makes of a value; of a JSON Schema it is not known. */
type Parsed<S> = S extends z.ZodType ? z.output<S> : Record<string, unknown>;

type Say = (message: string, fields?: Readonly<Record<string, unknown>>) => void;

/** What a tool knows of its call. */
export interface ToolContext {
  readonly callId: CallId;
  readonly sessionId: SessionId;
  /** The same whenever this call is repeated: give it to whatever is to happen once. It is the call's id. */
  readonly idempotencyKey: string;
  /** The session's folder, absolute; null where it has none. */
  readonly workspace: string | null;
  /** Aborts at the time limit, when the turn is interrupted, and when the worker goes away. Give it to `fetch` and the like. */
  readonly signal: AbortSignal;
  /** Tells whoever watches how far it is, twice a second at most; `fraction` is 0 to 1. */
  readonly progress: (message: string, fraction?: number) => void;
  /**
   * The value of an environment variable that the tool declares in `secrets`.
   * @throws where it is not declared, or not set for this worker
   */
  readonly secret: (name: string) => string;
  /** Lines in the worker's log, with the call's id. */
  readonly log: Readonly<Record<'debug' | 'info' | 'warn' | 'error', Say>>;
}

export interface ToolOptions<Input extends Schema = Schema, Output extends Schema = Schema> {
  /** What models call it: a letter, then up to 63 letters, digits, "_" or "-"; no "__", which belongs to MCP servers. */
  readonly name: string;
  /** What it does, for the model. */
  readonly description: string;
  /** Of the arguments: a zod object, or JSON Schema. They are checked before anything runs. */
  readonly input: Input;
  /** Of the result, which is checked too. */
  readonly output?: Output;
  /**
   * Whether it may run twice. `read`: yes, it changes nothing. `keyed`: yes, with the same `idempotencyKey`, by which it tells a repeat.
   * `never-retry`: never; this is what it is when absent.
   */
  readonly effect?: Effect;
  /** 1,000 to 1,800,000; `timeouts.commandMs` when absent. */
  readonly timeoutMs?: number;
  /** Whether a person is asked first; as `approvalPolicy` says when absent. */
  readonly approval?: ApprovalRule;
  /** Names of the environment variables that it may read. */
  readonly secrets?: readonly string[];
  /** Only offered in sessions that have a workspace. */
  readonly needsWorkspace?: boolean;
  /**
   * @returns any JSON
   * @throws {ToolError} with words for the model; anything else is a fault: a `read` or `keyed` tool is tried again
   */
  readonly execute: (input: Parsed<Input>, context: ToolContext) => unknown;
  /**
   * Of a `never-retry` tool whose worker died in mid-call: whether the effect of this call has happened. `{ happened: false }` means that
   * nothing is on its way any more, and lets it run once more; where that is not certain, answer `'unknown'`.
   */
  readonly probe?: (
    callId: CallId,
    context: ToolContext & { readonly input: Parsed<Input> },
  ) => ProbeAnswer | Promise<ProbeAnswer>;
}

/** By name, so that it is the same in every copy of this module. */
const MARK = Symbol.for('perdure.tool');

export interface DefinedTool {
  readonly [MARK]: true;
  /** Not checked yet. */
  readonly options: unknown;
}

/** Export what this returns as the default of a file in the folder of tools, alone or in a list. */
export const defineTool = <Input extends Schema, Output extends Schema = Schema>(
  options: ToolOptions<Input, Output>,
): DefinedTool => ({ [MARK]: true, options });

export const isDefinedTool = (value: unknown): value is DefinedTool =>
  typeof value === 'object' && value !== null && (value as Partial<DefinedTool>)[MARK] === true;

/** The call has failed, in words for the model, and is not tried again. */
export class ToolError extends Error {
  override readonly name = 'ToolError';
}
