import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { portProblems, requireFreePorts } from '../../cli/up/ports.ts';
import { freePort } from '../../servers/child.ts';

const wanted = (host: string, port: number) =>
  ({ what: 'the API', host, port, variable: 'PERDURE_API_PORT' }) as const;

describe('the ports that are wanted', () => {
  it('are no problem where they are free', async () => {
    expect(await portProblems([wanted('127.0.0.1', await freePort())])).toEqual([]);
  });

  it('are a problem each where they are taken, or their address is elsewhere', async () => {
    const foreign = createServer().listen(0, '127.0.0.1');
    await once(foreign, 'listening');
    const { port } = foreign.address() as AddressInfo;
    const ports = [wanted('127.0.0.1', port), wanted('10.99.99.99', await freePort())];
    const refused = requireFreePorts(ports);
    await expect(refused).rejects.toMatchObject({ name: 'CommandFailed', exitCode: 4 });
    await expect(refused).rejects.toThrow(
      new RegExp(
        `^Port ${port}, wanted for the API, is taken .*PERDURE_API_PORT=\\d+\n10\\.99\\.99\\.99, wanted for the API, is not an address of this machine`,
      ),
    );
    foreign.close();
  });
});
