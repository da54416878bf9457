/** The worker options of the floor: those of worker/, so that both sides are tuned alike. */
export const FLOOR_QUEUE = 'bench-floor';

export const FLOOR_WORKER_OPTIONS = {
  maxConcurrentActivityTaskExecutions: 1_200,
  maxConcurrentWorkflowTaskExecutions: 100,
  maxCachedWorkflows: 1_200,
  reuseV8Context: true,
  maxHeartbeatThrottleInterval: 4_000,
} as const;
