/** How activities tell what they do: the log and the figures, as far as they use them. */

/** The part of pino's interface that activities use. */
export interface ActivityLog {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** Figures about model calls, for Prometheus. */
export interface ActivityMetrics {
  firstToken(labels: { provider: string; model: string }, ms: number): void;
  modelSettled(labels: { provider: string; model: string; outcome: string }, ms: number): void;
  /** A provider's circuit breaker opened or closed. */
  circuit(provider: string, open: boolean): void;
  toolSettled(labels: { tool: string; outcome: string }, ms: number): void;
  /** Whether this worker is connected to an MCP server. */
  mcpConnected(server: string, connected: boolean): void;
  /** Tools of an MCP server that are new or changed, and not offered until somebody approves them. */
  mcpWaiting(server: string, tools: number): void;
}
