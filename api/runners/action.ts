import type { AgentToolCall } from '../../contracts/runners.ts';
import type { LedgerCall, RunnerRow } from '../../journal/port.ts';

/** What a runner is asked to do. */
export const actionOf = (
  { callId, name, arguments: json, effect, timeoutMs, attempts, sessionId }: LedgerCall,
  { workdir }: Pick<RunnerRow, 'workdir'>,
): AgentToolCall => ({
  type: 'agent_tool_call',
  invocation: {
    callId,
    name,
    arguments: JSON.parse(json) as unknown,
    effect,
    timeoutMs,
    attempt: attempts + 1,
  },
  sessionId,
  workdir,
});
