/** What the audit keeps: who came in and who was refused, changes of keys and trust, decisions. Pure, no zod. */

/** Each action with what it says, for people. Closed: an entry with another action does not compile. */
export const AUDIT_ACTIONS = {
  'auth.accepted':
    'a key was used from an address, once a day for each of them and each API process',
  'auth.refused': 'a key that is wrong or revoked, or whose role may not do what was asked',
  'key.created': 'a key was made',
  'key.revoked': 'a key was revoked',
  'credential.accepted': 'a provider let Perdure in',
  'credential.refused': 'a provider did not, or could not be asked',
  'credential.checked': 'somebody had a credential checked, or its token renewed',
  'credential.login_begun': 'somebody began to sign in for a credential',
  'credential.login_cancelled': 'somebody ended a sign-in that nobody had decided yet',
  'credential.forgotten': 'somebody had the stored token of a credential forgotten',
  'approval.approved': 'a call was approved',
  'approval.rejected': 'a call was rejected',
  'runner.registered': 'a runner came, or another process under its name',
  'runner.shared': 'a runner was opened to its whole tenant, or closed again',
  'runner.removed': 'a runner was forgotten',
  'mcp.pinned': 'the first list of an MCP server was trusted',
  'mcp.approved': 'a changed list of an MCP server was trusted',
  'mcp.revoked': 'the trust in an MCP server was taken back',
} as const;

export type AuditAction = keyof typeof AUDIT_ACTIONS;

export const AUDIT_ACTION_NAMES = Object.keys(AUDIT_ACTIONS) as AuditAction[];
