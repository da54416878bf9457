/**
 * The provider's own form of an answer, kept where ours would lose something: signatures of thoughts, metadata for its cache. Calls get our
 * ids in it, so that their results, which are ours, match. Pure.
 */
import type { Request } from '../tools/requested-calls.ts';
import type { NativePart } from './answer-collector.ts';

/** Plain text and calls are rebuilt just as well from our own rows. */
const isWorthKeeping = (part: NativePart): boolean =>
  part.providerOptions !== undefined || part.type === 'reasoning';

/** @returns undefined where our own form says it all, or where a call failed already (the model sent something wrong) */
export function nativeMessages(
  parts: readonly NativePart[],
  requests: readonly Request[],
): unknown[] | undefined {
  if (!parts.some(isWorthKeeping)) return undefined;
  if (requests.some(({ call }) => call.settlement?.outcome === 'failed')) return undefined;
  const ids = new Map(requests.map(({ providerId, call }) => [providerId, call.callId]));
  const calls = parts.filter(({ type }) => type === 'tool-call');
  if (calls.some(({ toolCallId }) => !ids.has(toolCallId ?? ''))) return undefined;
  const content = parts.map((part) =>
    part.type === 'tool-call' ? { ...part, toolCallId: ids.get(part.toolCallId ?? '') } : part,
  );
  return [JSON.parse(JSON.stringify({ role: 'assistant', content }))];
}
