/** The worker options of the floor: those of Perdure's session queue, so that both sides are tuned alike. */
import type { WorkerOptions } from '@temporalio/worker';
import { loadSettings } from '../../config/load.ts';
import { sessionTuning } from '../../worker/tuning.ts';

export const FLOOR_QUEUE = 'bench-floor';

/** Made from the default settings, whatever perdure.yaml lies in the folder of the start. */
export async function floorWorkerOptions(): Promise<Omit<WorkerOptions, 'connection'>> {
  const settings = await loadSettings({ cwd: '/', env: {}, localModels: null });
  return { ...sessionTuning(settings), taskQueue: FLOOR_QUEUE };
}
