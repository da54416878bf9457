import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export interface Cable extends AsyncDisposable {
  /** Leads to the server for as long as the cable is plugged in. */
  readonly address: string;
  /** Connections break, and new ones break at once. */
  pull(): void;
  plug(): void;
}

/** A way to a server that can be cut and mended. */
export async function cableTo(address: string): Promise<Cable> {
  const [host, port] = address.split(':');
  const open = new Set<Socket>();
  let plugged = true;
  const server = createServer((near) => {
    if (!plugged) return near.destroy();
    const far = connect(Number(port), host);
    for (const socket of [near, far]) {
      open.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => open.delete(socket));
    }
    near.pipe(far).pipe(near);
  });
  const pull = () => {
    plugged = false;
    for (const socket of open) socket.destroy();
  };
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    pull,
    plug: () => void (plugged = true),
    async [Symbol.asyncDispose]() {
      pull();
      server.close();
      await once(server, 'close');
    },
  };
}
