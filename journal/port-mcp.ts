/** The journal's port, continued: which tools of MCP servers are trusted. Import it from port.ts. */
import type { McpManifest } from '../contracts/mcp.ts';

export interface McpManifestRow {
  /** Its name under `mcpServers`. */
  readonly server: string;
  /** What may be offered and executed. */
  readonly approved: McpManifest;
  readonly approvedAt: string;
  /** `tenant/user`; null where nobody was asked: the first list of a server is trusted. */
  readonly approvedBy: string | null;
  /** What it listed last, where that is something else. */
  readonly listed: { readonly manifest: McpManifest; readonly at: string } | null;
}

export interface McpDecision {
  readonly server: string;
  /** `tenant/user` for the row, and what the audit keeps beside it. */
  readonly by: string;
  readonly audit: {
    readonly tenant: string | null;
    readonly user: string | null;
    readonly details: Record<string, string>;
  };
}

export interface McpApproval extends McpDecision {
  /** Hash of the list that was looked at. */
  readonly hash: string;
}

export interface McpManifests {
  list(): Promise<readonly McpManifestRow[]>;
  /** Server → hash of what is approved: cheap enough to ask for every few seconds. */
  approvedHashes(): Promise<ReadonlyMap<string, string>>;
  get(server: string): Promise<McpManifestRow | undefined>;
  /**
   * A server has listed its tools. The first list of a server is approved by that, with a row in the audit; of two workers at once, one
   * list is.
   */
  observe(server: string, manifest: McpManifest): Promise<McpManifestRow>;
  /** @returns undefined where the server has listed something else since, or is not there: nothing is changed */
  approve(approval: McpApproval): Promise<McpManifestRow | undefined>;
  /**
   * Nothing of the server is approved any more, until an operator approves a list again; a repeat changes nothing.
   * @returns undefined where the server is not there
   */
  revoke(decision: McpDecision): Promise<McpManifestRow | undefined>;
}
