import { describe, expect, test } from 'vitest';
import type { McpManifest } from '../../../contracts/mcp.ts';
import type { McpApproval } from '../../../journal/port.ts';
import { emptyJournal } from '../support/dialects.ts';
import type { Dialect } from '../support/dialects.ts';

const manifest = (hash: string): McpManifest => ({
  hash,
  tools: [
    { name: 'echo', description: 'Says it.', inputSchema: { type: 'object' }, hints: {}, hash },
  ],
});

const approval = (hash: string): McpApproval => ({
  server: 'files',
  hash,
  by: 'local/ann',
  audit: { tenant: 'local', user: 'ann', details: { address: '127.0.0.1' } },
});

export const mcpManifestsConformance = (dialect: Dialect) =>
  describe('manifests of MCP servers (E9)', () => {
    test('the first list of a server is trusted, once, and the audit says so', async () => {
      await using opened = await emptyJournal(dialect);
      const { mcpManifests, audit } = opened.journal;
      expect(await mcpManifests.get('files')).toBeUndefined();
      const lists = [manifest('a'), manifest('b')];
      const rows = await Promise.all(lists.map((list) => mcpManifests.observe('files', list)));
      const { hash } = rows[0]!.approved;
      expect(rows.map(({ approved }) => approved.hash)).toEqual([hash, hash]);
      expect(await mcpManifests.list()).toMatchObject([
        {
          server: 'files',
          approved: manifest(hash),
          approvedBy: null,
          listed: { manifest: manifest(hash === 'a' ? 'b' : 'a') },
        },
      ]);
      const { items } = await audit.list({}, { limit: 10 });
      expect(items).toMatchObject([
        { action: 'mcp.pinned', subject: 'files', user: null, details: { hash, tools: 1 } },
      ]);
    });

    test('another list waits for an approval of exactly that list', async () => {
      await using opened = await emptyJournal(dialect);
      const { mcpManifests, audit } = opened.journal;
      await mcpManifests.observe('files', manifest('a'));
      expect(await mcpManifests.approve(approval('a'))).toBeUndefined();
      const changed = await mcpManifests.observe('files', manifest('b'));
      expect(changed).toMatchObject({
        approved: manifest('a'),
        listed: { manifest: manifest('b') },
      });
      expect(await mcpManifests.observe('files', manifest('b'))).toEqual(changed);
      expect(await mcpManifests.approve(approval('c'))).toBeUndefined();
      expect(await mcpManifests.get('files')).toEqual(changed);
      const approved = await mcpManifests.approve(approval('b'));
      expect(approved).toMatchObject({
        approved: manifest('b'),
        approvedBy: 'local/ann',
        listed: null,
      });
      expect(await mcpManifests.get('files')).toEqual(approved);
      expect(await mcpManifests.approvedHashes()).toEqual(new Map([['files', 'b']]));
      const { items } = await audit.list({}, { limit: 1 });
      expect(items).toMatchObject([
        {
          action: 'mcp.approved',
          subject: 'files',
          tenant: 'local',
          user: 'ann',
          details: { hash: 'b', before: 'a', address: '127.0.0.1' },
        },
      ]);
    });

    test('a server that lists what is approved again has nothing that waits', async () => {
      await using opened = await emptyJournal(dialect);
      const { mcpManifests } = opened.journal;
      const first = await mcpManifests.observe('files', manifest('a'));
      await mcpManifests.observe('files', manifest('b'));
      expect(await mcpManifests.observe('files', manifest('a'))).toEqual(first);
      expect(await mcpManifests.approve(approval('b'))).toBeUndefined();
    });

    test('what is revoked is approved no more, whatever the server lists, until an operator approves that', async () => {
      await using opened = await emptyJournal(dialect);
      const { mcpManifests, audit } = opened.journal;
      const { hash: _, ...revocation } = approval('a');
      expect(await mcpManifests.revoke(revocation)).toBeUndefined();
      await mcpManifests.observe('files', manifest('a'));
      const revoked = await mcpManifests.revoke(revocation);
      expect(revoked).toMatchObject({
        approved: { tools: [], revoked: true },
        approvedBy: 'local/ann',
        listed: { manifest: manifest('a') },
      });
      expect(await mcpManifests.revoke(revocation)).toEqual(revoked);
      expect(await mcpManifests.observe('files', manifest('a'))).toEqual(revoked);
      const changed = await mcpManifests.observe('files', manifest('b'));
      expect(changed).toMatchObject({
        approved: { revoked: true },
        listed: { manifest: manifest('b') },
      });
      expect(await mcpManifests.approve(approval(revoked!.approved.hash))).toBeUndefined();
      expect(await mcpManifests.approve(approval('a'))).toBeUndefined();
      const approved = await mcpManifests.approve(approval('b'));
      expect(approved).toMatchObject({ approved: manifest('b'), listed: null });
      expect(approved!.approved).not.toHaveProperty('revoked');
      const { items } = await audit.list({}, { limit: 10 });
      expect(items.map(({ action }) => action)).toEqual([
        'mcp.approved',
        'mcp.revoked',
        'mcp.pinned',
      ]);
      expect(items[1]).toMatchObject({
        subject: 'files',
        tenant: 'local',
        user: 'ann',
        details: { before: 'a', address: '127.0.0.1' },
      });
    });

    test('what waits while it is revoked is what the server listed last', async () => {
      await using opened = await emptyJournal(dialect);
      const { mcpManifests } = opened.journal;
      await mcpManifests.observe('files', manifest('a'));
      await mcpManifests.observe('files', manifest('b'));
      expect(await mcpManifests.revoke(approval('a'))).toMatchObject({
        listed: { manifest: manifest('b') },
      });
    });

    test('of two approvals at once one is', async () => {
      await using opened = await emptyJournal(dialect);
      const { mcpManifests, audit } = opened.journal;
      await mcpManifests.observe('files', manifest('a'));
      await mcpManifests.observe('files', manifest('b'));
      const both = [approval('b'), approval('b')].map((each) => mcpManifests.approve(each));
      expect((await Promise.all(both)).filter(Boolean)).toHaveLength(1);
      const { items } = await audit.list({}, { limit: 10 });
      expect(items.filter(({ action }) => action === 'mcp.approved')).toHaveLength(1);
    });
  });
