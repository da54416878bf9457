/** The executor of the mode `mcp`: one call, on the connection of this worker. */
import type { CallToolResult, Progress } from '@modelcontextprotocol/client';
import { matchesTool } from '../../../contracts/mcp.ts';
import type { McpServerSettings, McpTool } from '../../../contracts/mcp.ts';
import { PerdureError } from '../../../contracts/perdure-error.ts';
import type { Journal } from '../../../journal/port.ts';
import { redact } from '../../model/redaction.ts';
import type { SecretLookup } from '../../model/providers.ts';
import { ArgumentChecker } from '../arguments.ts';
import type { ToolExecutor, ToolRun } from '../executor.ts';
import { resultOf } from './content.ts';
import { effectOf } from './definitions.ts';
import { fateOf } from './failures.ts';
import { hide } from './hide.ts';
import { offeredName } from './manifest.ts';
import { secretsOf } from './secrets.ts';
import type { Live, McpServer } from './server.ts';
import { changedText, revokedText } from './trust.ts';
import type { Trust } from './trust.ts';

export interface PooledServer {
  readonly name: string;
  readonly settings: McpServerSettings;
  readonly server: McpServer;
}

export interface ExecutorParts {
  readonly journal: Pick<Journal, 'artifacts' | 'sessions'>;
  readonly secrets: SecretLookup;
  readonly trust: Trust;
  /** The server that a tool's name leads to. */
  readonly serverOf: (tool: string) => PooledServer | undefined;
}

/** In `_meta`: a `keyed` tool that knows it does a call once, however often it is sent. */
const IDEMPOTENCY_KEY = 'perdure/idempotencyKey';

const denied = (message: string): PerdureError => new PerdureError('tool_denied', message);

/** The tool that was called, as its server lists it now. @throws {PerdureError} `tool_denied`, `tool_failed` */
async function permitted(
  { trust }: ExecutorParts,
  { name, settings }: PooledServer,
  { run, live }: { run: ToolRun; live: Live },
): Promise<McpTool> {
  const { manifest, refused } = live.listing;
  const tool = manifest.tools.find((each) => offeredName(name, each.name) === run.name);
  if (!tool) {
    const reason = refused.find((each) => offeredName(name, each.name) === run.name)?.reason;
    throw reason === undefined
      ? new PerdureError(
          'tool_failed',
          `The MCP server ${name} has no tool "${run.name}" any more.`,
        )
      : denied(`The MCP server ${name} has changed "${run.name}", and it was refused: ${reason}.`);
  }
  if (!matchesTool(settings.allow, tool.name))
    throw denied(`The settings of the MCP server ${name} do not allow "${run.name}".`);
  const approved = await trust.lookAt(name);
  if (approved?.revoked) throw denied(revokedText(name));
  if (approved?.tools.find((each) => each.name === tool.name)?.hash !== tool.hash)
    throw denied(changedText(name, run.name));
  return tool;
}

const checker = new ArgumentChecker();

function checkArguments(run: ToolRun, { inputSchema }: McpTool): void {
  const problem = checker.problem({ inputSchema }, run.input);
  if (problem !== undefined)
    throw new PerdureError('tool_failed', `Invalid arguments for ${run.name}: ${problem}.`);
}

function checkOutput(run: ToolRun, { outputSchema }: McpTool, result: CallToolResult): void {
  if (outputSchema === undefined || result.isError === true) return;
  const { structuredContent } = result;
  const problem =
    structuredContent === undefined
      ? 'it has no structured content'
      : checker.schemaProblem(outputSchema, structuredContent, 'the result');
  if (problem !== undefined)
    throw new PerdureError(
      'tool_failed',
      `${run.name} ran, but its result is not what it promises: ${problem}.`,
    );
}

/** Of a message, before secrets are taken out of it and it is cut for whoever watches. */
const MAX_PROGRESS_CHARACTERS = 10_000;

const progressOf =
  (run: ToolRun, secrets: readonly string[]) =>
  ({ progress, total, message }: Progress): void =>
    run.progress(
      hide(message?.slice(0, MAX_PROGRESS_CHARACTERS) ?? '', secrets) ||
        (total === undefined ? `${progress}` : `${progress} of ${total}`),
      total === undefined || total <= 0 ? undefined : Math.min(1, Math.max(0, progress / total)),
    );

interface Calling {
  readonly pooled: PooledServer;
  readonly run: ToolRun;
  readonly live: Live;
  readonly tool: McpTool;
  /** What the server was given and must not be told on. */
  readonly secrets: readonly string[];
}

/** @throws what the call comes to; see {@link fateOf} */
function call({ run, live, tool, secrets }: Calling): Promise<CallToolResult> {
  const { signal, callId, input } = run;
  const meta = { [IDEMPOTENCY_KEY]: callId };
  return live.connection.call({ tool, input, meta, signal, onProgress: progressOf(run, secrets) });
}

/** What the failure of a call means; undefined where it never got to the server, which may be asked again. */
function failureOf({ pooled, run, live, tool, secrets }: Calling, error: unknown): unknown {
  // An abort and a time-out have one code: ours tells which it was.
  if (run.signal.aborted) return run.signal.reason;
  const fate = fateOf(error);
  if (fate === 'undelivered') return undefined;
  const said = redact(error instanceof Error ? error.message : String(error), secrets);
  if (fate === 'answered')
    return new PerdureError('tool_failed', `The MCP server ${pooled.name} answered: ${said}`);
  // One behind HTTP is not known to be gone: found out at once, for whoever comes next.
  void live.connection.check();
  // The protocol's client says of every end that the connection was closed: ours knows why, a result that was too large among others.
  const why = live.connection.isClosed ? live.connection.why : said;
  const lost = `The MCP server ${pooled.name} went away while ${run.name} ran (${why})`;
  return effectOf(pooled.settings, tool) === 'never-retry'
    ? new PerdureError(
        'tool_outcome_unknown',
        `${lost}. It may or may not have taken effect, and was not run again.`,
      )
    : new Error(`${lost}.`);
}

/** A server that forgot the session, or whose process ended a moment ago, is asked a second time: it has not seen the call. */
const DELIVERIES = 2;

async function deliver(
  parts: ExecutorParts,
  pooled: PooledServer,
  run: ToolRun,
): Promise<{ result: CallToolResult; tool: McpTool }> {
  const secrets = secretsOf(pooled.settings, parts.secrets);
  let last: unknown;
  for (let delivery = 0; delivery < DELIVERIES; delivery += 1) {
    const live = await pooled.server.connected(run.signal);
    const tool = await permitted(parts, pooled, { run, live });
    checkArguments(run, tool);
    const calling = { pooled, run, live, tool, secrets };
    try {
      return { result: await call(calling), tool };
    } catch (error) {
      const failure = failureOf(calling, error);
      if (failure !== undefined) throw failure;
      last = error;
      await live.connection.close();
    }
  }
  throw new Error(`The MCP server ${pooled.name} does not take calls`, { cause: last });
}

export const mcpExecutor = (parts: ExecutorParts): ToolExecutor => ({
  async execute(run) {
    const pooled = parts.serverOf(run.name);
    if (!pooled)
      throw new PerdureError('tool_failed', `This worker has no MCP server for "${run.name}".`);
    const session = await parts.journal.sessions.get(run.sessionId);
    if (!session) throw new PerdureError('tool_failed', 'The session is gone.');
    const { result, tool } = await deliver(parts, pooled, run);
    checkOutput(run, tool, result);
    const { tenant, user } = session;
    return resultOf(result, {
      artifacts: parts.journal.artifacts,
      owner: { tenant, user },
      secrets: secretsOf(pooled.settings, parts.secrets),
    });
  },
});
