import { DefaultLogger, Runtime } from '@temporalio/worker';

let installed = false;

/** The SDK's info lines would bury the test report. Once a process, before the first worker or native connection. */
export function quietTemporal(): void {
  if (installed) return;
  installed = true;
  Runtime.install({
    logger: new DefaultLogger('WARN', ({ level, message }) => {
      if (!EXPECTED.some((text) => message.startsWith(text)))
        console.warn(`[temporal] ${level} ${message}`);
    }),
  });
}

/** Warnings that many tests cause on purpose. */
const EXPECTED = ['No activities registered'];
