// One turn whose calls are fought over: by workers that are too many, late or frozen, by clients and runners that race, by persons who decide, and by
// the end of the turn, in any order and several at once. Notes what everybody was told, so that it can be compared with what is in the log.
import { approvalIdOf } from '../../../contracts/approvals.ts';
import { newId } from '../../../contracts/ids.ts';
import type { CallId, MessageId, SessionId } from '../../../contracts/ids.ts';
import type { Effect, ToolMode, ToolSettlement } from '../../../contracts/tools.ts';
import type { Journal, RequestedCall } from '../../../journal/port.ts';
import { AttemptClosed } from '../../../journal/port.ts';
import { askedCall } from './approvals.ts';
import {
  asksFor,
  claimed,
  claimOf,
  createSession,
  sealOf,
  toolCall,
  withAnother,
} from './facts.ts';

export const TROUBLES = [
  'begin',
  'begin again',
  'finish',
  'finish late',
  'leave',
  'report',
  'claim',
  'progress',
  'answer',
  'answer otherwise',
  'answer unclaimed',
  'look',
  'give up',
  'give up failed',
  'approve',
  'approve edited',
  'reject',
  'expire',
] as const;
/** What ends all calls of the turn at once. */
export const ENDS = ['seal', 'rerun', 'end'] as const;
export type Trouble = (typeof TROUBLES)[number] | (typeof ENDS)[number];

export interface Blow {
  readonly trouble: Trouble;
  /** Which call, and which of two who fight over it. */
  readonly call: number;
  readonly who: number;
  /** Milliseconds that pass before it. */
  readonly passMs: number;
}

/** What somebody was told about a call, by which it is bound. */
interface Told {
  /** `finish` and `answer` that were accepted: this is its result. */
  readonly results: ToolSettlement[];
  /** Of those outside: who was given it. */
  readonly holders: Set<string>;
  /** Of attempts in workers: all that began, and those that were told to be the first. */
  readonly began: Set<number>;
  readonly first: Set<number>;
  approved: boolean;
}

export interface Fight {
  readonly sessionId: SessionId;
  readonly turn: MessageId;
  readonly calls: readonly RequestedCall[];
  readonly told: ReadonlyMap<CallId, Told>;
  /** Never throws but for what nobody should be told. */
  strike(blow: Blow): Promise<void>;
  /** Once every lease is over, somebody else asks for each call that was claimed and must not run twice. @returns those that he is given */
  claimAgain(): Promise<readonly CallId[]>;
  /** The workflow's last word, wherever the calls stand. */
  seal(): Promise<void>;
}

export const LEASE_MS = 15_000;
const OWNERS = ['one', 'two'];

interface Kind {
  readonly mode: ToolMode;
  readonly effect: Effect;
  /** Whether a person is asked before. */
  readonly asked: boolean;
}

const kinds: readonly Kind[] = (['worker', 'mcp', 'client', 'remote'] as const).flatMap((mode) =>
  (['read', 'keyed', 'never-retry'] as const).flatMap((effect) =>
    [false, true].map((asked) => ({ mode, effect, asked })),
  ),
);

export const KINDS = kinds.length;
/** Those that somebody outside may claim at once, and nobody after him. */
export const CLAIMED_ONCE: readonly number[] = [...kinds.entries()].flatMap(
  ([index, { mode, effect, asked }]) =>
    (mode === 'client' || mode === 'remote') && effect === 'never-retry' && !asked ? [index] : [],
);

const callOf = ({ asked, ...kind }: Kind): RequestedCall =>
  asked ? askedCall(kind) : toolCall(kind);

/** @param chosen which kinds of calls the step asks for @param journals of several processes, which share a database */
export async function fight(
  journals: readonly Journal[],
  chosen: readonly number[],
): Promise<Fight> {
  const [journal] = journals as [Journal];
  const sessionId = await createSession(journal);
  const claim = claimOf(sessionId);
  const { turn } = claim;
  const calls = chosen.map((kind) => callOf(kinds[kind % KINDS]!));
  await journal.steps.finish(await claimed(journal, claim), asksFor(...calls));
  const told = new Map(
    calls.map(({ callId }): [CallId, Told] => [
      callId,
      { results: [], holders: new Set(), began: new Set(), first: new Set(), approved: false },
    ]),
  );
  const attempts = new Map<CallId, number>();
  let reruns = 0;
  const strikes = (blow: Blow): Record<Trouble, () => Promise<unknown>> => {
    const call = calls[blow.call % calls.length]!;
    const { callId } = call;
    const { ledger, approvals, steps, events } = journals[blow.who % journals.length]!;
    const note = told.get(callId)!;
    const ref = { sessionId, turn, step: 1, callId };
    const who = OWNERS[blow.who % 2]!;
    const attempt = attempts.get(callId) ?? 0;
    const fence = { scheduledAt: 5_000, attempt: Math.max(1, attempt) };
    const isOurs = call.mode === 'worker' || call.mode === 'mcp';
    const begin = async (number: number) => {
      if (!isOurs) return;
      attempts.set(callId, Math.max(attempt, number));
      const begun = await ledger.begin(ref, { ...fence, attempt: number }, who);
      if (begun.state !== 'begun') return;
      note.began.add(number);
      if (begun.earlierAttempts === 0) note.first.add(number);
    };
    const finish = async (number: number, result: string) => {
      if (!isOurs) return;
      const settlement = { outcome: 'completed', result } as const;
      await ledger.finish(callId, { ...fence, attempt: number }, settlement);
      note.results.push(settlement);
    };
    const answer = async (result: string, holder?: string) => {
      const settlement = { outcome: 'completed', result } as const;
      const verdict = await ledger.answer(callId, settlement, holder);
      if (verdict === 'accepted' || verdict === 'repeated') note.results.push(settlement);
    };
    const settle = (more: object) =>
      approvals.settle({
        ...ref,
        approvalId: approvalIdOf(sessionId, callId, call.arguments),
        ...more,
      });
    const decide = async (decision: object) => {
      const id = newId('run');
      const ended = await settle({ decision: { id, by: 'ann', ...decision } });
      if (ended.state === 'settled' && ended.outcome === 'approved') note.approved = true;
    };
    const error = { code: 'tool_failed', message: 'gone', retryable: false } as const;
    return {
      begin: () => begin(attempt + 1),
      'begin again': () => begin(Math.max(1, attempt)),
      finish: () => finish(fence.attempt, `by ${fence.attempt}`),
      'finish late': () => finish(Math.max(1, attempt - 1), 'late'),
      leave: () => ledger.leave(callId, fence, who),
      report: () => ledger.report(callId, fence, { message: 'half' }),
      claim: async () => {
        if (await ledger.lease(callId, { holder: who, leaseMs: LEASE_MS })) note.holders.add(who);
      },
      progress: () => ledger.progress(callId, { holder: who, leaseMs: LEASE_MS }, { message: 'x' }),
      answer: () => answer('answer', who),
      'answer otherwise': () => answer('other', who),
      'answer unclaimed': () => answer('nobody'),
      look: () => ledger.settle({ ...ref, giveUp: false }),
      'give up': () => ledger.settle({ ...ref, giveUp: true }),
      'give up failed': () => ledger.settle({ ...ref, giveUp: true, error }),
      approve: () => decide({ outcome: 'approved' }),
      'approve edited': () => decide({ outcome: 'approved', arguments: '{"q":"edited"}' }),
      reject: () => decide({ outcome: 'rejected' }),
      expire: () => settle({ expired: true }),
      seal: () => steps.seal(sealOf({ sessionId, turn, step: 2 })),
      rerun: () => steps.claim(withAnother(claim, 2_000 + ++reruns)),
      end: () =>
        events.record(sessionId, [
          { key: newId('run'), event: { type: 'session.ended', data: { reason: 'stopped' } } },
        ]),
    };
  };
  return {
    sessionId,
    turn,
    calls,
    told,
    strike: async (blow) => {
      const strike = strikes(blow)[blow.trouble];
      try {
        await strike();
      } catch (error) {
        if (!isRefusal(error)) throw error;
      }
    },
    claimAgain: async () => {
      const claimedOnce = calls.filter(
        ({ callId, effect }) => effect === 'never-retry' && told.get(callId)!.holders.size > 0,
      );
      const given = await Promise.all(
        claimedOnce.map(({ callId }) =>
          journal.ledger.lease(callId, { holder: 'a stranger', leaseMs: LEASE_MS }),
        ),
      );
      return given.flatMap((call) => (call ? [call.callId] : []));
    },
    seal: async () => void (await journal.steps.seal(sealOf({ sessionId, turn, step: 2 }))),
  };
}

/** A writer who is too late; a call that nobody has approved; an approval that there is none of. */
const isRefusal = (error: unknown): boolean =>
  error instanceof AttemptClosed ||
  ['tool_denied', 'not_found'].includes((error as { code?: string }).code ?? '');
