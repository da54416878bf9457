import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

export interface ApiMetrics {
  readonly registry: Registry;
  readonly requests: Histogram<'method' | 'route' | 'status'>;
  readonly connections: Gauge;
  readonly closedStreams: Counter<'reason'>;
  readonly refusals: Counter<'reason'>;
  readonly sweeps: Counter;
  readonly completedStarts: Counter;
  readonly lostRuns: Counter;
  readonly openApprovals: Gauge;
  readonly oldestApproval: Gauge;
  readonly signInCircuits: Gauge<'provider'>;
}

export function createApiMetrics(registry: Registry): ApiMetrics {
  const registers = [registry];
  return {
    registry,
    ...journalGauges(registers),
    requests: new Histogram({
      name: 'perdure_http_request_seconds',
      help: 'Time to answer an HTTP request, event streams excepted.',
      labelNames: ['method', 'route', 'status'],
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
      registers,
    }),
    connections: new Gauge({
      name: 'perdure_open_streams',
      help: 'Open event streams and sockets.',
      registers,
    }),
    closedStreams: new Counter({
      name: 'perdure_closed_streams_total',
      help: 'Event streams that the server closed, by reason.',
      labelNames: ['reason'],
      registers,
    }),
    refusals: new Counter({
      name: 'perdure_refused_requests_total',
      help: 'Requests refused for want of a right, by reason.',
      labelNames: ['reason'],
      registers,
    }),
    completedStarts: new Counter({
      name: 'perdure_completed_starts_total',
      help: 'Sessions whose start had stopped half-way and was completed by the sweeper.',
      registers,
    }),
    lostRuns: new Counter({
      name: 'perdure_lost_runs_total',
      help: 'Sessions that were ended because Temporal had no open run of them.',
      registers,
    }),
    sweeps: new Counter({
      name: 'perdure_swept_tool_calls_total',
      help: 'Tool calls whose workflow was told again that the ledger has news.',
      registers,
    }),
  };
}

/** Of the whole journal, so that all API processes show the same. */
function journalGauges(
  registers: Registry[],
): Pick<ApiMetrics, 'openApprovals' | 'oldestApproval' | 'signInCircuits'> {
  return {
    openApprovals: new Gauge({
      name: 'perdure_open_approvals',
      help: 'Calls about which a person is asked and nobody has decided, of all tenants.',
      registers,
    }),
    oldestApproval: new Gauge({
      name: 'perdure_oldest_open_approval_seconds',
      help: 'How long the oldest of them waits; 0 where there is none.',
      registers,
    }),
    signInCircuits: new Gauge({
      name: 'perdure_sign_in_circuit_open',
      help: '1 while the circuit breaker of a sign-in, which all workers share, is not closed.',
      labelNames: ['provider'],
      registers,
    }),
  };
}
