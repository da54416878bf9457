/** Figures that are counted from the events that were committed: each is one row of this file, and exact by the journal's own law. */
import { Counter } from 'prom-client';
import type { Registry } from 'prom-client';
import type { PerdureEvent } from '../contracts/events.ts';

/** @returns counts one committed event */
export function eventCounters(registry: Registry): (event: PerdureEvent) => void {
  const counter = <L extends string>(name: string, help: string, labelNames: L[]): Counter<L> =>
    new Counter({ name, help, labelNames, registers: [registry] });
  const turns = counter('perdure_turns_total', 'Turns that settled, by outcome.', ['outcome']);
  const retries = counter('perdure_model_retries_total', 'Model attempts to be made again.', [
    'code',
  ]);
  const switches = counter('perdure_model_switches_total', 'Changes of model.', ['reason']);
  const calls = counter('perdure_tool_calls_total', 'Tool calls that settled.', ['outcome']);
  const approvals = counter('perdure_approvals_total', 'Approvals that settled, by outcome.', [
    'outcome',
  ]);
  const lost = counter(
    'perdure_attempts_superseded_total',
    'Attempts that a newer one replaced.',
    [],
  );
  const ended = counter('perdure_sessions_ended_total', 'Sessions that ended.', ['reason']);
  const tokens = counter('perdure_tokens_total', 'Tokens used.', ['model', 'direction']);
  const cost = counter('perdure_cost_usd_total', 'US dollars spent.', ['model']);
  return (event) => {
    if (event.type === 'turn.settled') turns.inc({ outcome: event.data.outcome });
    else if (event.type === 'model.retrying') retries.inc({ code: event.data.error.code });
    else if (event.type === 'model.switched') switches.inc({ reason: event.data.reason });
    else if (event.type === 'tool.settled') calls.inc({ outcome: event.data.outcome });
    else if (event.type === 'approval.settled') approvals.inc({ outcome: event.data.outcome });
    else if (event.type === 'attempt.superseded') lost.inc();
    else if (event.type === 'session.ended') ended.inc({ reason: event.data.reason });
    else if (event.type === 'usage.recorded') {
      const { model, usage, costUsd } = event.data;
      tokens.inc({ model, direction: 'input' }, usage.inputTokens);
      tokens.inc({ model, direction: 'output' }, usage.outputTokens);
      cost.inc({ model }, costUsd);
    }
  };
}
