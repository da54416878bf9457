/** One session as the benches see it, of the floor or of Perdure. */
export interface SessionDriver {
  /** Id of the Temporal workflow. */
  readonly workflowId: string;
  /** Sends a message and resolves when its turn is done. */
  turn(text: string): Promise<TurnTimes>;
  stop(): Promise<void>;
}

/** Milliseconds since the message was sent. */
export interface TurnTimes {
  readonly firstMs: number;
  readonly doneMs: number;
}
