/** The transcript: what the next model call is built from, one row a message. Types only. */
import type { Part } from './content.ts';
import type { CallId, MessageId } from './ids.ts';
import type { ToolSettlement } from './tools.ts';

export interface ToolCallPart {
  readonly type: 'tool-call';
  readonly callId: CallId;
  readonly name: string;
  /** JSON; a string where the model sent something that is not JSON. */
  readonly arguments: unknown;
}

export type AssistantPart =
  { readonly type: 'text' | 'reasoning'; readonly text: string } | ToolCallPart;

interface Row {
  /** `msg_…` of a user message; `<turn>/<step>` of an assistant's; `call_…` of a tool's; `<turn>/<step>/summary`. */
  readonly id: string;
  /** Order in the transcript: rises, may have holes. */
  readonly position: number;
  readonly turn: MessageId;
  readonly step: number;
  /** ISO 8601. */
  readonly at: string;
}

export type TranscriptMessage =
  | (Row & { readonly role: 'user'; readonly content: readonly Part[] })
  | (Row & {
      readonly role: 'assistant';
      readonly content: readonly AssistantPart[];
      /** Cut short by an interrupt: the text is what had been streamed. */
      readonly partial: boolean;
      /** The provider's own messages, JSON, which keep its signatures and so its cache; used only with the same provider. */
      readonly native?: { readonly provider: string; readonly messages: unknown[] } | undefined;
    })
  | (Row & {
      readonly role: 'tool';
      readonly callId: CallId;
      readonly name: string;
      readonly settlement: ToolSettlement;
      /** What the call ran with, where a person had changed its arguments; JSON. */
      readonly arguments?: unknown;
    })
  /** Replaces everything up to and including position `through` in what the model is sent. */
  | (Row & {
      readonly role: 'summary';
      readonly text: string;
      readonly through: number;
    });

export type TranscriptRole = TranscriptMessage['role'];
