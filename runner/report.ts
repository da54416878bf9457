/** What a runner tells whoever watches it. */
import type { CallId, RunnerId } from '../contracts/ids.ts';
import type { AgentToolCall } from '../contracts/runners.ts';

export type RunnerReport =
  | { readonly type: 'registered'; readonly runnerId: RunnerId; readonly tools: readonly string[] }
  | { readonly type: 'connected' }
  | { readonly type: 'disconnected'; readonly message: string; readonly retryInMs: number }
  | { readonly type: 'started'; readonly action: AgentToolCall }
  | {
      readonly type: 'finished';
      readonly callId: CallId;
      readonly name: string;
      readonly status: string;
    }
  | { readonly type: 'delivered'; readonly callId: CallId; readonly name: string }
  /** Nobody wants the call, or its result, any more. */
  | {
      readonly type: 'dropped';
      readonly callId: CallId;
      readonly name: string;
      readonly why: string;
    }
  | { readonly type: 'broken-file'; readonly file: string }
  | { readonly type: 'stopping' };
