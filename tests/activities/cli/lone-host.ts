/** A process with one program in it, to be killed: `node lone-host.ts HOME DESCRIPTION MESSAGE`. Says what the program says. */
import { ProgramHost } from '../../../activities/cli/host.ts';
import type { CliProviderInput } from '../../../contracts/cli-providers.ts';
import { newId } from '../../../contracts/ids.ts';
import { createLog } from '../../../telemetry/log.ts';
import { described } from '../../support/programs/described.ts';

const [home = '', description = '{}', message = ''] = process.argv.slice(2);
const host = await ProgramHost.open({
  providers: { it: described(JSON.parse(description) as CliProviderInput) },
  home,
  secrets: (name) => process.env[name],
  log: createLog({ level: 'silent', service: 'test' }),
  most: 1,
});
const { signal } = new AbortController();
const { programId } = await host.start(
  {
    ...{ sessionId: newId('ses'), provider: 'it', instructions: '', workspace: null },
    ...{ conversation: undefined, idleMs: 300_000 },
  },
  signal,
);
await host.find(programId)?.ask({
  message,
  timeoutMs: 600_000,
  signal,
  sink: { onText: (_, text) => void process.stdout.write(text), onAside: () => undefined },
});
