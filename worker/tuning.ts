/** How a worker is tuned: each figure with its reason (measured, see docs/performance.md). */
import type { WorkerOptions } from '@temporalio/worker';
import type { Settings } from '../config/settings.ts';
import { SESSION_QUEUE, TOOL_QUEUE } from '../contracts/names.ts';

type Tuning = Omit<WorkerOptions, 'activities' | 'workflowBundle' | 'connection' | 'sinks'>;

/** A workflow task waits in its slot for the local activities that it starts, so the default of 40 would be a queue at 300 sessions. */
const WORKFLOW_TASK_SLOTS = 200;
/** After the grace time activities are cancelled and hand their step over; this is how long they may take to say so. */
const HAND_OVER_MS = 10_000;

function shared({ worker, timeouts, temporal }: Settings): Partial<Tuning> {
  return {
    namespace: temporal.namespace,
    // A running step is let finish; whoever restarts the process must wait longer than this.
    shutdownGraceTime: worker.drainMs,
    shutdownForceTime: worker.drainMs + HAND_OVER_MS,
    // Each heartbeat costs Temporal 4–6 ms of CPU; more often than a third of its time-out makes no worker look more alive.
    maxHeartbeatThrottleInterval: timeouts.heartbeatThrottleMs,
    defaultHeartbeatThrottleInterval: timeouts.heartbeatThrottleMs,
  };
}

/** Workflows, model calls and records: many small slots, because nearly all of them wait for a provider. */
export const sessionTuning = (settings: Settings): Tuning => ({
  ...shared(settings),
  taskQueue: SESSION_QUEUE,
  // The default of 100 would make the 101st stream of a worker wait for another one to end.
  maxConcurrentActivityTaskExecutions: settings.worker.activitySlots,
  maxConcurrentLocalActivityExecutions: settings.worker.activitySlots,
  maxConcurrentWorkflowTaskExecutions: WORKFLOW_TASK_SLOTS,
  // Larger than the number of active sessions: without a cache each turn replays its history (204 against 22 ms to the first token).
  maxCachedWorkflows: settings.worker.cachedWorkflows,
  // One V8 context for all: 334 kB a cached session instead of 957. Workflow modules keep no state (a test proves it).
  reuseV8Context: true,
  // More than the default number of pollers changed nothing, so there is no setting for it.
});

/** Tools may take half an hour: on a queue of their own they never take the slots of model calls. */
export const toolTuning = (settings: Settings): Tuning => ({
  ...shared(settings),
  taskQueue: TOOL_QUEUE,
  maxConcurrentActivityTaskExecutions: settings.worker.toolSlots,
});

/** Programs that answer, on this process's own queue. A command that waits for a slot would count as lost, so there is one for each session, and for its end. */
export const programTuning = (settings: Settings, taskQueue: string): Tuning => ({
  ...shared(settings),
  taskQueue,
  maxConcurrentActivityTaskExecutions: 2 * settings.worker.cliSessions,
});
