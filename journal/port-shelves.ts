/** The journal's port, continued: what it keeps beside sessions. Import it from port.ts. */
import type { AuditAction } from '../contracts/audit.ts';
import type { ArtifactRef } from '../contracts/content.ts';
import type { KeyId, SessionId } from '../contracts/ids.ts';

export interface Owner {
  readonly tenant: string;
  readonly user: string;
}

export interface PageRequest {
  /** Opaque, from the page before. */
  readonly cursor?: string | undefined;
  /** 1 to 200. */
  readonly limit: number;
}
export interface Page<T> {
  readonly items: readonly T[];
  readonly nextCursor: string | null;
}

export interface Artifacts {
  /** What `get` finds, without reading the bytes. */
  stat(tenant: string, artifact: string): Promise<ArtifactRef | undefined>;
  /** Equal bytes of one tenant are stored once, under the name and type that they were given first. */
  put(
    owner: Owner,
    bytes: Uint8Array,
    as: { mediaType: string; name?: string | undefined },
  ): Promise<ArtifactRef>;
  /** @returns undefined where it does not exist for this tenant */
  get(
    tenant: string,
    artifact: string,
  ): Promise<{ ref: ArtifactRef; bytes: Uint8Array } | undefined>;
}

// ── contexts, keys, audit ─────────────────────────────────────────────────────────────────────────────────────────────

/** A context (a window, a project, a chat room) → the session that is active in it. */
export interface ContextRow extends Owner {
  readonly context: string;
  readonly sessionId: SessionId | null;
  readonly updatedAt: string;
}
export interface Contexts {
  get(owner: Owner, context: string): Promise<ContextRow | undefined>;
  set(owner: Owner, context: string, sessionId: SessionId | null): Promise<ContextRow>;
  list(owner: Owner): Promise<readonly ContextRow[]>;
  /** Every change of the owner's contexts, until `signal` aborts. */
  changes(owner: Owner, signal: AbortSignal): AsyncIterable<ContextRow>;
}

export const ROLES = ['user', 'operator', 'runner'] as const;
export type Role = (typeof ROLES)[number];
export interface KeyRow extends Owner {
  readonly keyId: KeyId;
  readonly role: Role;
  readonly label: string;
  readonly createdAt: string;
  readonly revokedAt: string | null;
  readonly lastUsedAt: string | null;
}
export interface Keys {
  /** @param hash SHA-256 of the key in hexadecimal; the key itself is never stored */
  insert(
    key: Pick<KeyRow, 'keyId' | 'tenant' | 'user' | 'role' | 'label'>,
    hash: string,
  ): Promise<KeyRow>;
  findByHash(hash: string): Promise<KeyRow | undefined>;
  list(tenant?: string): Promise<readonly KeyRow[]>;
  /** @returns the key, or undefined where no valid one has this id (in this tenant) */
  revoke(keyId: KeyId, tenant?: string): Promise<KeyRow | undefined>;
  /** Those of `keyIds` that are there and not revoked. */
  valid(keyIds: readonly KeyId[]): Promise<ReadonlySet<KeyId>>;
  count(): Promise<number>;
}

export interface AuditEntry {
  readonly tenant: string | null;
  readonly user: string | null;
  readonly action: AuditAction;
  readonly subject: string | null;
  readonly details: Record<string, string | number | boolean | null>;
}
/** As it was written, maybe by another version, which knows other actions. */
export interface AuditItem extends Omit<AuditEntry, 'action'> {
  readonly action: string;
  /** ISO 8601. */
  readonly at: string;
}
export interface AuditFilter {
  /** All of them where absent. */
  readonly tenant?: string | undefined;
  /** Beside the tenant's those of none, such as a guessed key. */
  readonly orNone?: boolean | undefined;
  readonly action?: string | undefined;
}
export interface Audit {
  write(entry: AuditEntry): Promise<void>;
  /** Newest first. */
  list(filter: AuditFilter, page: PageRequest): Promise<Page<AuditItem>>;
  /** Removes up to `limit` entries, the oldest ones, that were written longer ago. @returns how many */
  prune(options: { olderThanMs: number; limit: number }): Promise<number>;
}
