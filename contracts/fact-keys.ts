/** Keys of facts that the journal is asked for, and not only keeps apart. Pure, no zod: workflows load it. */
import type { MessageId } from './ids.ts';

/** Once and for good: what was removed from the queue is not taken in again under its id. */
export const removalOf = (messageId: MessageId): string => `removed:${messageId}`;
