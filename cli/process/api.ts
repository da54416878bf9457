import { environmentSecrets } from '../../config/secrets.ts';
import { createMetrics } from '../../telemetry/metrics.ts';
import { readSettings } from '../settings.ts';
import { openJournal, requirePostgres } from './journal.ts';
import { writeLastWords } from './last-words.ts';
import { hiddenValues, processLog } from './log.ts';
import { startOwnApi } from './start-api.ts';
import { tracingOf } from './tracing.ts';
import { untilStopped } from './until-stopped.ts';

export async function runApi(): Promise<void> {
  const settings = await readSettings();
  requirePostgres(settings, 'api');
  const secrets = environmentSecrets();
  const hidden = hiddenValues(settings, secrets);
  const log = processLog(settings, 'api', hidden);
  writeLastWords(log);
  await using open = new AsyncDisposableStack();
  const metrics = createMetrics();
  const journal = open.adopt(await openJournal(settings, { log, metrics }), (it) => it.close());
  const tracing = open.use(await tracingOf(settings, 'api'));
  const parts = { settings, journal, log, metrics, secrets, tracing };
  const api = open.adopt(await startOwnApi(parts), (it) => it.close());
  log.info({ url: api.url }, 'API started');
  // An API has nothing that could end it: without Temporal or the journal it says 503 and waits for them.
  const ended = new Promise<never>(() => {});
  await untilStopped({ ended, stop: () => open.disposeAsync() }, log);
}
