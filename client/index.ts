/** The typed SDK of Perdure, for browsers and Node 24. */
export { createPerdureClient } from './perdure-client.ts';
export type {
  ClientOptions,
  PerdureClient,
  StartedSession,
  StartOptions,
  TransportName,
} from './perdure-client.ts';
export type { SessionClient } from './session.ts';
export type { CallOptions, SendOptions } from './session-commands.ts';
export type { ViewOptions } from './session-events.ts';
export type { Approval, ApprovalListOptions, ApprovalsClient } from './approvals.ts';
export type { ApprovalDecision } from '../contracts/approvals.ts';
export type { ActiveContext, ContextsClient } from './contexts.ts';
export type { ConnectionNotice, FollowOptions, ReconnectOptions } from './events/resume.ts';
export type { FollowStep, Reply } from './settled.ts';
export type { ClaimedCall, RegisteredRunner, RunnerClient } from './runner.ts';
export type { KnownRunner, RunnerListOptions, RunnersClient } from './runners.ts';
export type {
  AnswerOptions,
  AnswerReport,
  OpenCall,
  ToolAnswering,
  ToolHandler,
  ToolHandlers,
} from './answer-tools.ts';
export { isTransient, NetworkError } from './errors.ts';
export type { NetworkErrorKind } from './errors.ts';
export type { Trpc } from './trpc.ts';
export { PerdureError } from '../contracts/perdure-error.ts';
export type * from '../contracts/projections/conversation.ts';
export {
  EMPTY_CONVERSATION,
  foldEvent,
  foldEvents,
  textOfStep,
  textOfTurn,
} from '../contracts/projections/turns.ts';
export { missingContent, withContent } from '../contracts/projections/stored-content.ts';
