import type { ApiDeps } from '../deps.ts';

/** Ends the streams of keys that another API or `perdure keys` has revoked: one query for all keys that have streams open here. */
export const revokedKeys =
  ({ journal, connections, keyring }: ApiDeps) =>
  async (): Promise<void> => {
    const open = connections.keyIds();
    if (open.length === 0) return;
    const valid = await journal.keys.valid(open);
    const revoked = open.filter((keyId) => !valid.has(keyId));
    if (revoked.length > 0) keyring.forget();
    for (const keyId of revoked) connections.closeOfKey(keyId);
  };
