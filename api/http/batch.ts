/** tRPC's clients put the calls of one moment into one request, or one frame: how many that may be. */
import { getTRPCErrorShape, TRPCError } from '@trpc/server';
import { PerdureError } from '../../contracts/perdure-error.ts';
import { appRouter } from '../router.ts';

/** More calls in one request are a mistake or an attack: they would hold the process up for everybody. */
export const MAX_BATCH = 50;
/** One answer for each call of a refused frame, so that none of a mistaken client's waits for ever; no attacker gets more than this. */
const MAX_ANSWERS = 1_000;

export const tooManyCalls = (sent: number): PerdureError =>
  new PerdureError(
    'invalid_input',
    `A batch may hold at most ${MAX_BATCH} calls, this one holds ${sent}: send them in several.`,
  );

/** The error as tRPC's clients read it. */
export const errorShape = (error: PerdureError): unknown =>
  getTRPCErrorShape({
    config: appRouter._def._config,
    error: new TRPCError({ code: 'BAD_REQUEST', message: error.message, cause: error }),
    ...{ type: 'unknown', path: undefined, input: undefined, ctx: undefined },
  });

/** What becomes of a frame: it is answered at once, or handed on in pieces. */
export interface Taken {
  readonly refusals: readonly string[];
  readonly pieces: readonly Buffer[];
}

/**
 * A frame with too many calls is refused. Subscriptions are not counted, only handed on in pieces: a client that connects again sends all of
 * its own at once, and streams have their own limit. What else is wrong with a frame is for tRPC to say.
 */
export function takeFrame(frame: Buffer): Taken {
  const text = frame.toString();
  const messages = /^\s*\[/.test(text) ? parsed(text) : [];
  const calls = messages.filter((message) => !isSubscription(message)).length;
  if (calls > MAX_BATCH) return { refusals: refusalsOf(messages, calls), pieces: [] };
  return { refusals: [], pieces: messages.length > MAX_BATCH ? piecesOf(messages) : [frame] };
}

function refusalsOf(messages: readonly unknown[], calls: number): string[] {
  const error = errorShape(tooManyCalls(calls));
  const ids = messages.slice(0, MAX_ANSWERS).flatMap(idOf);
  return (ids.length > 0 ? ids : [null]).map((id) => JSON.stringify({ id, error }));
}

const piecesOf = (messages: readonly unknown[]): Buffer[] =>
  Array.from({ length: Math.ceil(messages.length / MAX_BATCH) }, (_, index) =>
    Buffer.from(JSON.stringify(messages.slice(index * MAX_BATCH, (index + 1) * MAX_BATCH))),
  );

function parsed(frame: string): readonly unknown[] {
  try {
    return JSON.parse(frame) as unknown[];
  } catch {
    return [];
  }
}

const isSubscription = (message: unknown): boolean =>
  propertyOf(message, 'method') === 'subscription';

function idOf(message: unknown): (string | number)[] {
  const id = propertyOf(message, 'id');
  return typeof id === 'string' || typeof id === 'number' ? [id] : [];
}

const propertyOf = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null
    ? (value as Record<string, unknown>)[name]
    : undefined;
