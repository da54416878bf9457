/** What MCP servers said of their tools when they were trusted, and what they say since. */
import type { SqlMigration } from './sql-migration.ts';

export const mcpManifests: SqlMigration = {
  up: [
    `create table mcp_manifests (
       server text primary key, approved text not null, approved_hash text not null, approved_at bigint not null,
       approved_by text, listed text, listed_hash text, listed_at bigint
     )`,
  ],
  down: [`drop table mcp_manifests`],
};
