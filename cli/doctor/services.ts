/** What must answer: Temporal with its search attributes, the journal, the API's port. */
import type { SecretLookup } from '../../config/secrets.ts';
import type { Settings } from '../../config/settings.ts';
import { answersFor } from '../../servers/dev-server.ts';
import { missingSearchAttributes } from '../../servers/search-attributes.ts';
import { createLog } from '../../telemetry/log.ts';
import { openJournal } from '../process/journal.ts';
import { connectTemporal } from '../process/temporal.ts';
import { localUrl } from '../local-url.ts';
import { portProblems, wantedPorts } from '../up/ports.ts';
import { ok, problem, warning } from './check.ts';
import type { Finding } from './check.ts';

const PROBE_MS = 2_000;

/** Whether Perdure's own API answers on its port. */
async function ownApiAnswers(settings: Settings): Promise<boolean> {
  const url = `${localUrl(settings)}/healthz`;
  const response = await fetch(url, { signal: AbortSignal.timeout(PROBE_MS) }).catch(() => null);
  const body = await response?.json().catch(() => null);
  return (body as { status?: unknown } | null)?.status === 'ok';
}

export async function checkPorts(settings: Settings): Promise<readonly Finding[]> {
  const wanted = wantedPorts(settings);
  if (await ownApiAnswers(settings)) return [ok('ports', `Perdure runs on ${settings.api.port}`)];
  const problems = await portProblems(wanted);
  if (problems.length === 0) {
    return [ok('ports', `free: ${wanted.map(({ port }) => port).join(', ')}`)];
  }
  return problems.map(({ detail, mend }) => problem('ports', detail, mend));
}

export async function checkTemporal(
  settings: Settings,
  secrets: SecretLookup,
): Promise<readonly Finding[]> {
  const { address, namespace, embedded } = settings.temporal;
  if (!(await answersFor(address, namespace))) {
    const detail = `nothing answers at ${address} (namespace ${namespace})`;
    return [
      embedded
        ? warning('Temporal', detail, 'Start it with `npx perdure up`.')
        : problem('Temporal', detail, 'Start it, or correct TEMPORAL_ADDRESS.'),
    ];
  }
  return [
    ok('Temporal', `${address}, namespace ${namespace}`),
    await checkSearchAttributes(settings, secrets),
  ];
}

async function checkSearchAttributes(settings: Settings, secrets: SecretLookup): Promise<Finding> {
  const check = 'search attributes';
  try {
    const connection = await connectTemporal(settings, secrets);
    try {
      const missing = await missingSearchAttributes(connection, settings.temporal.namespace);
      return missing.length === 0
        ? ok(check, 'registered')
        : problem(check, `missing: ${missing.join(', ')}`, 'Run `npx perdure migrate`.');
    } finally {
      await connection.close();
    }
  } catch (error) {
    return warning(check, (error as Error).message, 'Ask whoever runs the Temporal server.');
  }
}

/** The embedded file is not opened: it belongs to the process that runs, and opening it would migrate it. */
export async function checkJournal(settings: Settings): Promise<Finding> {
  const check = 'journal';
  if (settings.journal.url === undefined) return ok(check, 'embedded SQLite in the data folder');
  try {
    const journal = await openJournal(settings, {
      log: createLog({ level: 'silent', service: 'doctor' }),
    });
    await journal.close();
    return ok(check, 'PostgreSQL, schema up to date');
  } catch (error) {
    const mend = 'Check PERDURE_DATABASE_URL and the server, then run `npx perdure migrate`.';
    return problem(check, (error as Error).message, mend);
  }
}
