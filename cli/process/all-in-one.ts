import type { Settings } from '../../config/settings.ts';
import { environmentSecrets } from '../../config/secrets.ts';
import { startApi } from '../../api/start.ts';
import { createMetrics } from '../../telemetry/metrics.ts';
import { startWorker } from '../../worker/start.ts';
import { readSettings } from '../settings.ts';
import { openJournal } from './journal.ts';
import { processLog } from './log.ts';
import { tryToRegister } from './temporal.ts';
import { untilStopped } from './until-stopped.ts';

export async function runAllInOne(): Promise<void> {
  const settings: Settings = await readSettings();
  const secrets = environmentSecrets();
  const log = processLog(settings, 'all-in-one', secrets);
  await using open = new AsyncDisposableStack();
  const journal = open.adopt(await openJournal(settings, log), (it) => it.close());
  const metrics = createMetrics();
  const parts = { settings, journal, log, metrics, secrets };
  await tryToRegister(parts);
  const worker = await startWorker(parts);
  open.defer(() => worker.drain());
  const api = await startApi({ ...parts, extraMissing: worker.missing });
  // The worker first: its clients shall see the end of what it is still writing.
  open.defer(() => api.close());
  open.defer(() => worker.drain());
  await untilStopped({ ended: worker.ended, stop: () => open.disposeAsync() }, log);
}
