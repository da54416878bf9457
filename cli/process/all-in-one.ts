import { environmentSecrets } from '../../config/secrets.ts';
import { createMetrics } from '../../telemetry/metrics.ts';
import { isTemporalSetBack, startWorker } from '../../worker/start.ts';
import { readSettings, throwForPerson } from '../settings.ts';
import { writeOwnerKey } from '../keys/owner-key.ts';
import { bundles } from './bundles.ts';
import { openJournal } from './journal.ts';
import { writeLastWords } from './last-words.ts';
import { hiddenValues, processLog } from './log.ts';
import { secretParts } from './secret-parts.ts';
import { startOwnApi } from './start-api.ts';
import { tryToRegister } from './temporal.ts';
import { tracingOf } from './tracing.ts';
import { untilStopped } from './until-stopped.ts';

export async function runAllInOne(): Promise<void> {
  const settings = await readSettings();
  const secrets = environmentSecrets();
  const hidden = hiddenValues(settings, secrets);
  const log = processLog(settings, 'all-in-one', hidden);
  writeLastWords(log);
  await using open = new AsyncDisposableStack();
  const metrics = createMetrics();
  const journal = open.adopt(await openJournal(settings, { log, metrics }), (it) => it.close());
  const tracing = open.use(await tracingOf(settings, 'all-in-one'));
  const parts = { settings, journal, log, metrics, secrets, tracing };
  await tryToRegister(parts);
  const worker = await startWorker({
    ...parts,
    ...(await secretParts(settings, { secrets, hidden })),
    bundles: bundles(),
  }).catch(throwForPerson);
  open.defer(() => worker.drain());
  // Beside another journal `perdure keys` goes to that.
  const owner = settings.journal.url === undefined ? open.use(writeOwnerKey(settings)) : undefined;
  const api = await startOwnApi({ ...parts, ownerKey: owner?.key });
  log.info({ url: api.url }, 'API started');
  open.defer(() => api.close());
  // Ends first: whoever watches shall see the end of what the worker is still writing.
  open.defer(() => worker.drain());
  const stop = (): Promise<void> => open.disposeAsync();
  await untilStopped({ ended: worker.ended, stop, mustNotFinish: isTemporalSetBack }, log);
}
