import { environmentSecrets } from '../../config/secrets.ts';
import { createMetrics } from '../../telemetry/metrics.ts';
import { isTemporalSetBack, startWorker } from '../../worker/start.ts';
import { readSettings, throwForPerson } from '../settings.ts';
import { bundles } from './bundles.ts';
import { openJournal, requirePostgres } from './journal.ts';
import { writeLastWords } from './last-words.ts';
import { hiddenValues, processLog } from './log.ts';
import { secretParts } from './secret-parts.ts';
import { tracingOf } from './tracing.ts';
import { untilStopped } from './until-stopped.ts';

export async function runWorker(): Promise<void> {
  const settings = await readSettings();
  requirePostgres(settings, 'worker');
  const secrets = environmentSecrets();
  const hidden = hiddenValues(settings, secrets);
  const log = processLog(settings, 'worker', hidden);
  writeLastWords(log);
  await using open = new AsyncDisposableStack();
  const metrics = createMetrics();
  const journal = open.adopt(await openJournal(settings, { log, metrics }), (it) => it.close());
  const tracing = open.use(await tracingOf(settings, 'worker'));
  const parts = { settings, journal, log, metrics, secrets, tracing };
  const worker = await startWorker({
    ...parts,
    ...(await secretParts(settings, { secrets, hidden })),
    bundles: bundles(),
  }).catch(throwForPerson);
  const stop = (): Promise<void> => worker.drain();
  await untilStopped({ ended: worker.ended, stop, mustNotFinish: isTemporalSetBack }, log);
}
