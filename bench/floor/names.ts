/** Names that the floor's workflow, its worker and the load generator agree on. Pure: the workflow's sandbox loads it. */

export const FLOOR_QUEUE = 'bench-floor';
/** As Perdure has its tools on a queue of their own. */
export const FLOOR_TOOL_QUEUE = 'bench-floor-tools';

/** Under which the load generator waits for what a turn's tools say. */
export const workerToolOf = (turn: string): string => `${turn}.worker`;
export const remoteToolOf = (turn: string): string => `${turn}.remote`;
