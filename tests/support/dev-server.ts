import { Client, Connection } from '@temporalio/client';
import { NativeConnection } from '@temporalio/worker';
import { inject } from 'vitest';
import { quietTemporal } from './quiet-temporal.ts';

export interface SharedTemporal extends AsyncDisposable {
  readonly address: string;
  readonly client: Client;
  /** For `Worker.create`. */
  readonly nativeConnection: NativeConnection;
}

/** Connections to the one dev server of this run. Tests are told apart by their own task queues and workflow ids. */
export async function sharedTemporal(): Promise<SharedTemporal> {
  quietTemporal();
  const address = inject('temporalAddress');
  const connection = await Connection.connect({ address });
  const nativeConnection = await NativeConnection.connect({ address });
  const close = async () => {
    await nativeConnection.close();
    await connection.close();
  };
  return {
    address,
    client: new Client({ connection }),
    nativeConnection,
    [Symbol.asyncDispose]: close,
  };
}
