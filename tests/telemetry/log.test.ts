import { spawnSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const MODULE = new URL('../../telemetry/log.ts', import.meta.url).href;

describe('a log on a full disk', () => {
  it('never throws, and never ends its process', () => {
    const program = `
      import { createLog } from ${JSON.stringify(MODULE)};
      const log = createLog({ level: 'info', service: 'test' });
      for (let line = 0; line < 3; line++) log.error({ line }, 'x');
      console.error('still here');`;
    const full = openSync('/dev/full', 'w');
    const ran = spawnSync(process.execPath, ['--input-type=module-typescript', '-e', program], {
      stdio: ['ignore', full, 'pipe'],
      encoding: 'utf8',
    });
    closeSync(full);
    expect(ran).toMatchObject({ status: 0, stderr: 'still here\n' });
  });
});
