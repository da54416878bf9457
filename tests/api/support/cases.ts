/** One request of every procedure against somebody else's (or no) session: a procedure without a case fails the test that reads this. */
import { newId } from '../../../contracts/ids.ts';

export interface Ids {
  readonly sessionId: string;
  readonly callId: string;
  readonly approvalId: string;
  readonly keyId: string;
  readonly artifact: string;
  readonly messageId: string;
  readonly runnerId: string;
}

/** Well-formed, and nobody’s. */
export const UNKNOWN: Ids = {
  sessionId: newId('ses'),
  callId: newId('call'),
  approvalId: newId('apr'),
  keyId: newId('key'),
  messageId: newId('msg'),
  runnerId: newId('run'),
  artifact: `sha256_${'0'.repeat(64)}`,
};

/** Well-formed, and nobody’s. */
const NO_LOGIN = '00000000-0000-4000-8000-000000000000';

/** `input` names another's row: the answer must be that of an unknown id. `own`: there is nothing to name; the answer shows the caller's own. */
export type Case =
  | { readonly names: (ids: Ids) => Record<string, unknown> }
  | { readonly own: Record<string, unknown> | undefined };

export const CASES: Record<string, Case> = {
  'session.start': { own: {} },
  'session.send': { names: ({ sessionId }) => ({ sessionId, content: 'x' }) },
  'session.interrupt': { names: ({ sessionId }) => ({ sessionId }) },
  'session.stop': { names: ({ sessionId }) => ({ sessionId }) },
  'session.reopen': { names: ({ sessionId }) => ({ sessionId }) },
  'session.reconfigure': { names: ({ sessionId }) => ({ sessionId, model: 'fake' }) },
  'session.get': { names: ({ sessionId }) => ({ sessionId }) },
  'session.list': { own: {} },
  'session.transcript': { names: ({ sessionId }) => ({ sessionId }) },
  'session.history': { names: ({ sessionId }) => ({ sessionId }) },
  'session.page': { names: ({ sessionId }) => ({ sessionId }) },
  'session.events': { names: ({ sessionId }) => ({ sessionId }) },
  'session.queue.list': { names: ({ sessionId }) => ({ sessionId }) },
  'session.queue.edit': {
    names: ({ sessionId, messageId }) => ({ sessionId, edit: { action: 'remove', messageId } }),
  },
  'tool.pending': { own: {} },
  'tool.claim': { names: ({ callId }) => ({ callId, holder: 'me' }) },
  'tool.progress': { names: ({ callId }) => ({ callId, holder: 'me', message: 'x' }) },
  'tool.result': {
    names: ({ callId }) => ({ callId, outcome: { status: 'completed', result: 1 } }),
  },
  'tool.resultOfSession': {
    names: ({ callId, sessionId }) => ({
      callId,
      sessionId,
      outcome: { status: 'completed', result: 1 },
    }),
  },
  'runner.register': {
    own: {
      name: 'laptop',
      instance: 'run_01jd9rk0x3e8wvz5t2m4q7h6na',
      workdir: '/w',
      tools: [],
      version: '1',
    },
  },
  'runner.list': { own: undefined },
  'runner.calls': {
    names: ({ runnerId }) => ({ runnerId, instance: 'run_01jd9rk0x3e8wvz5t2m4q7h6na' }),
  },
  'runner.leave': {
    names: ({ runnerId }) => ({ runnerId, instance: 'run_01jd9rk0x3e8wvz5t2m4q7h6na' }),
  },
  'runner.share': { names: ({ runnerId }) => ({ runnerId, shared: true }) },
  'runner.remove': { names: ({ runnerId }) => ({ runnerId }) },
  'approval.list': { own: {} },
  'approval.get': { names: ({ approvalId }) => ({ approvalId }) },
  'approval.decide': { names: ({ approvalId }) => ({ approvalId, decision: 'reject' }) },
  'context.get': { own: { context: 'window' } },
  'context.set': { names: ({ sessionId }) => ({ context: 'window', sessionId }) },
  'context.list': { own: undefined },
  'context.changes': { own: undefined },
  'agent.list': { own: undefined },
  'artifact.put': { own: { base64: 'eA==', mediaType: 'text/plain' } },
  'artifact.get': { names: ({ artifact }) => ({ artifact }) },
  'credential.list': { own: undefined },
  'credential.check': { own: { name: 'nobody' } },
  'credential.forget': { own: { name: 'nobody' } },
  'credential.login': { own: { name: 'nobody' } },
  'credential.loginState': { own: { name: 'nobody', loginId: NO_LOGIN } },
  'credential.cancelLogin': { own: { name: 'nobody', loginId: NO_LOGIN } },
  'key.create': { own: { user: 'x' } },
  'key.list': { own: undefined },
  'key.revoke': { names: ({ keyId }) => ({ keyId }) },
  'mcp.list': { own: undefined },
  'mcp.approve': {
    names: ({ keyId }) => ({ server: keyId.slice(0, 3), hash: '0'.repeat(64) }),
  },
  'mcp.revoke': { names: ({ keyId }) => ({ server: keyId.slice(0, 3) }) },
  'system.info': { own: undefined },
  'system.jobStatus': { names: ({ sessionId }) => ({ jobId: sessionId }) },
  'system.audit': { own: {} },
};

/** Procedures that only operators may call, and those that a runner may call. */
export const OPERATOR_ONLY = [
  'credential.list',
  'credential.check',
  'credential.forget',
  'credential.login',
  'credential.loginState',
  'credential.cancelLogin',
  'key.create',
  'key.list',
  'key.revoke',
  'system.audit',
  'mcp.list',
  'mcp.approve',
  'mcp.revoke',
  'runner.share',
];
export const FOR_RUNNERS = [
  'tool.pending',
  'tool.claim',
  'tool.progress',
  'tool.result',
  'tool.resultOfSession',
  'runner.register',
  'runner.list',
  'runner.calls',
  'runner.leave',
  'artifact.put',
  'artifact.get',
];
