/** The worker options of the floor: those of Perdure's session queue, so that both sides are tuned alike. */
import type { WorkerOptions } from '@temporalio/worker';
import { FLOOR_QUEUE, FLOOR_TOOL_QUEUE } from './names.ts';
import { loadSettings } from '../../config/load.ts';
import { sessionTuning, toolTuning } from '../../worker/tuning.ts';

export interface FloorOptions {
  readonly sessions: Omit<WorkerOptions, 'connection'>;
  readonly tools: Omit<WorkerOptions, 'connection'>;
}

/** Made from the default settings, whatever perdure.yaml lies in the folder of the start. */
export async function floorWorkerOptions(): Promise<FloorOptions> {
  const settings = await loadSettings({ cwd: '/', env: {}, localModels: null });
  return {
    sessions: { ...sessionTuning(settings), taskQueue: FLOOR_QUEUE },
    tools: { ...toolTuning(settings), taskQueue: FLOOR_TOOL_QUEUE },
  };
}
