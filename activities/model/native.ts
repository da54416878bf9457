/**
 * The provider's own form of an answer, kept where ours would lose something: signatures of thoughts, metadata for its cache. Calls get our
 * ids in it, so that their results, which are ours, match. Pure.
 */
import type { Request } from '../tools/requested-calls.ts';

type NativePart = { type?: string; toolCallId?: string; providerOptions?: unknown };
type NativeMessage = { role?: string; content?: unknown };

const partsOf = (message: NativeMessage): NativePart[] =>
  Array.isArray(message.content) ? (message.content as NativePart[]) : [];

/** Plain text and calls are rebuilt just as well from our own rows. */
const isWorthKeeping = (part: NativePart): boolean =>
  part.providerOptions !== undefined || (part.type !== 'text' && part.type !== 'tool-call');

/** @returns undefined where our own form says it all, or where a call is settled already (the model sent something wrong) */
export function nativeMessages(
  messages: readonly unknown[],
  requests: readonly Request[],
): unknown[] | undefined {
  const assistant = (messages as NativeMessage[]).filter(({ role }) => role === 'assistant');
  if (!assistant.flatMap(partsOf).some(isWorthKeeping)) return undefined;
  if (requests.some(({ call }) => call.settlement)) return undefined;
  const ids = new Map(requests.map(({ providerId, call }) => [providerId, call.callId]));
  const calls = assistant.flatMap(partsOf).filter(({ type }) => type === 'tool-call');
  if (calls.some(({ toolCallId }) => !ids.has(toolCallId ?? ''))) return undefined;
  const ours = (part: NativePart): NativePart =>
    part.type === 'tool-call'
      ? { ...part, toolCallId: ids.get(part.toolCallId ?? '') ?? '' }
      : part;
  return assistant.map((message) =>
    Array.isArray(message.content) ? { ...message, content: partsOf(message).map(ours) } : message,
  );
}
