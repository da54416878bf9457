/** A user's tool as the worker runs it: its input parsed, its context made, its errors told apart, its secrets kept. */
import { PerdureError } from '../../../contracts/perdure-error.ts';
import type { ActivityLog } from '../../observed.ts';
import type { SecretLookup } from '../../model/providers.ts';
import type { ProbeAnswer, ToolRun } from '../executor.ts';
import type { WorkerTool } from '../worker-tool.ts';
import { isZod } from './check.ts';
import type { SoundTool } from './check.ts';
import { ToolError } from './define-tool.ts';
import type { ToolContext } from './define-tool.ts';
import { Secrets } from './secrets.ts';

export interface DefinedParts {
  readonly secrets: SecretLookup;
  readonly log: ActivityLog;
}

export function definedWorkerTool(tool: SoundTool, parts: DefinedParts): WorkerTool {
  const { name, description, inputSchema, outputSchema, effect, timeoutMs, approval } = tool;
  const { execute, probe, needsWorkspace } = tool;
  return {
    ...{ name, description, inputSchema, outputSchema, effect, timeoutMs, needsWorkspace },
    ...(approval && { approval }),
    execute: (run) =>
      guarded(tool, parts, async (secrets) => {
        const input = await parsed(tool, run.input);
        return secrets.hideIn(await execute(input, contextOf(run, { tool, parts, secrets })));
      }),
    ...(probe && {
      probe: (run) =>
        guarded(tool, parts, async (secrets) => {
          const input = await parsed(tool, run.input);
          const context = { ...contextOf(run, { tool, parts, secrets }), input };
          return secrets.hideIn(answerOf(await probe(run.callId, context))) as ProbeAnswer;
        }),
    }),
  };
}

/** Defaults and transformations of zod apply; JSON Schema was checked when the call was made. */
async function parsed({ name, input }: SoundTool, given: unknown): Promise<never> {
  if (!isZod(input)) return given as never;
  const { success, data, error } = await input.safeParseAsync(given);
  if (success) return data as never;
  const problems = error.issues.map(
    ({ path, message }) => `${path.map(String).join('.') || 'arguments'}: ${message}`,
  );
  throw new PerdureError('tool_failed', `Invalid arguments for ${name}: ${problems.join('; ')}.`);
}

/** What it throws must not show a secret: it goes to the model, to Temporal and to the log. */
async function guarded<T>(
  tool: SoundTool,
  parts: DefinedParts,
  work: (secrets: Secrets) => Promise<T>,
): Promise<T> {
  const secrets = new Secrets(tool.secrets, parts.secrets);
  try {
    return await work(secrets);
  } catch (error) {
    if (error instanceof PerdureError) throw error;
    const message = secrets.hide(error instanceof Error ? error.message : String(error));
    if (error instanceof ToolError) throw new PerdureError('tool_failed', message);
    throw secrets.cleaned(error, message);
  }
}

function contextOf(
  run: ToolRun,
  { tool, parts, secrets }: { tool: SoundTool; parts: DefinedParts; secrets: Secrets },
): ToolContext {
  const { sessionId, callId, workspace, signal } = run;
  const say =
    (level: keyof ToolContext['log']) =>
    (message: unknown, fields: Readonly<Record<string, unknown>> = {}): void =>
      parts.log[level](
        { ...(secrets.hideIn(fields) as object), tool: tool.name, sessionId, callId },
        secrets.hide(String(message)),
      );
  return {
    ...{ sessionId, callId, workspace, signal, idempotencyKey: callId },
    progress: (message: unknown, fraction?: number) =>
      run.progress(secrets.hide(String(message)), fraction),
    secret: (name) => secrets.get(name),
    log: { debug: say('debug'), info: say('info'), warn: say('warn'), error: say('error') },
  };
}

function answerOf(answer: unknown): ProbeAnswer {
  const isAnswer =
    answer === 'unknown' ||
    (typeof answer === 'object' &&
      answer !== null &&
      'happened' in answer &&
      typeof answer.happened === 'boolean');
  if (isAnswer) return answer as ProbeAnswer;
  throw new Error(`The probe must answer { happened: true | false } or 'unknown'.`);
}
