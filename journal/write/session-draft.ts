/**
 * One session within a transaction: its rows as they were under the lock, and what operations make of them. Operations are plain
 * functions on drafts; what they changed is written once for the whole batch, so that a batch costs a few statements however many
 * sessions it holds.
 */
import type { ApprovalId, CallId, MessageId, SessionId } from '../../contracts/ids.ts';
import { EVENT_VERSION } from '../../contracts/events.ts';
import type { EventData, NewEvent, PerdureEvent } from '../../contracts/events.ts';
import { foldSession } from '../../contracts/projections/session.ts';
import type { SessionProjection } from '../../contracts/projections/session.ts';
import type {
  ApprovalRecord,
  AuditRecord,
  CallRecord,
  MessageRecord,
  StepRecord,
} from '../tables.ts';
import type { AuditEntry, Owner } from '../port.ts';
import { shorten } from './oversize.ts';
import type { Oversize } from './oversize.ts';

export interface StepName {
  readonly turn: MessageId;
  readonly step: number;
}

/** Streamed text, as it stands in the log. */
export interface DeltaRecord extends StepName {
  readonly seq: number;
  readonly attempt: number;
  readonly data: string;
}

/** Where in the session an event belongs. */
export interface Place {
  readonly turn?: MessageId | undefined;
  readonly step?: number | undefined;
  readonly attempt?: number | undefined;
  readonly fact?: string | undefined;
}

export interface DraftStart {
  readonly key: number;
  readonly sessionId: SessionId;
  readonly owner: Owner;
  readonly projection: SessionProjection;
  readonly now: number;
}

/** What the end of an approval changes in its row. */
export type SettledApproval = Pick<
  ApprovalRecord,
  'approval_id' | 'state' | 'outcome' | 'decision' | 'settled_at'
>;

export const stepKey = (ref: { readonly turn: string; readonly step: number }): string =>
  `${ref.turn}/${ref.step}`;

export class SessionDraft {
  readonly key: number;
  readonly sessionId: SessionId;
  readonly owner: Owner;
  readonly start: SessionProjection;
  /** By which leases and deadlines are judged. */
  readonly clock: number;
  /** Of events: never before the session's last one. */
  readonly now: number;
  projection: SessionProjection;
  /** Set where an attempt lost its right to write. */
  closed = false;
  /** Set where runners have to look at the session's calls. */
  remote = false;
  /** Set where the transcript changed in another way than by a row at its end: who knows its beginning has to read it again. */
  cut = false;

  readonly steps = new Map<string, StepRecord>();
  readonly messages = new Map<string, MessageRecord>();
  readonly calls = new Map<CallId, CallRecord>();
  readonly approvals = new Map<ApprovalId, ApprovalRecord>();
  readonly facts = new Set<string>();
  /** By their numbers, in order. */
  readonly deltas = new Map<number, DeltaRecord>();

  readonly events: { readonly event: PerdureEvent; readonly fact: string | undefined }[] = [];
  readonly changed = {
    steps: new Set<string>(),
    messages: new Set<string>(),
    calls: new Set<CallId>(),
    approvals: new Set<ApprovalId>(),
  };
  readonly settledApprovals: SettledApproval[] = [];
  readonly audited: Omit<AuditRecord, 'entry'>[] = [];
  readonly removedMessages = new Set<string>();
  readonly artifacts: Oversize[] = [];

  constructor(start: DraftStart) {
    this.key = start.key;
    this.sessionId = start.sessionId;
    this.owner = start.owner;
    this.start = start.projection;
    this.projection = start.projection;
    this.clock = start.now;
    this.now = Math.max(start.now, Date.parse(start.projection.updatedAt));
  }

  get at(): string {
    return new Date(this.now).toISOString();
  }

  /** Gives the event the next number. */
  append(place: Place, added: NewEvent): PerdureEvent {
    const { fact, ...envelope } = place;
    const { data, artifact } = shorten(added);
    if (artifact) this.artifacts.push(artifact);
    const event = {
      v: EVENT_VERSION,
      sessionId: this.sessionId,
      seq: this.projection.lastSeq + 1,
      ...envelope,
      at: this.at,
      type: added.type,
      data,
    } as PerdureEvent;
    this.projection = foldSession(this.projection, event);
    this.events.push({ event, fact });
    if (fact !== undefined) this.facts.add(fact);
    return event;
  }

  step(ref: { readonly turn: string; readonly step: number }): StepRecord | undefined {
    return this.steps.get(stepKey(ref));
  }

  putStep(row: StepRecord): void {
    this.steps.set(stepKey(row), row);
    this.changed.steps.add(stepKey(row));
  }

  putMessage(row: Omit<MessageRecord, 'session_key' | 'at'>): void {
    if (row.turn !== null && row.position <= this.start.lastSeq) this.cut = true;
    this.messages.set(row.id, { ...row, session_key: this.key, at: this.now });
    this.changed.messages.add(row.id);
    this.removedMessages.delete(row.id);
  }

  removeMessage(id: string): void {
    // A message that waits is no part of the transcript yet.
    if (this.messages.get(id)?.turn !== null) this.cut = true;
    this.messages.delete(id);
    this.changed.messages.delete(id);
    this.removedMessages.add(id);
  }

  putCall(row: CallRecord): void {
    const { state, holder } = this.calls.get(row.call_id) ?? {};
    if (row.mode === 'remote' && (row.state !== state || row.holder !== holder)) this.remote = true;
    this.calls.set(row.call_id, row);
    this.changed.calls.add(row.call_id);
  }

  openApproval(row: ApprovalRecord): void {
    this.approvals.set(row.approval_id, row);
    this.changed.approvals.add(row.approval_id);
  }

  /** Also of one that was not read: whoever ends a turn looks at its calls only. */
  settleApproval(settled: SettledApproval): void {
    const row = this.approvals.get(settled.approval_id);
    if (row) this.approvals.set(settled.approval_id, { ...row, ...settled });
    this.settledApprovals.push(settled);
  }

  /** In the same transaction as what it tells of: no crash leaves the one without the other. */
  audit({ user, details, ...entry }: Omit<AuditEntry, 'tenant'>): void {
    const { tenant } = this.owner;
    this.audited.push({
      ...entry,
      tenant,
      user_id: user,
      at: this.now,
      details: JSON.stringify(details),
    });
  }

  /** What the newest attempt of a step said so far, what this transaction appends included. */
  streamed({ turn, step, number }: StepRecord): EventData<'content.delta'>[] {
    const own = (delta: Place) =>
      delta.turn === turn && delta.step === step && delta.attempt === number;
    const before = [...this.deltas.values()]
      .filter(own)
      .map(({ data }) => JSON.parse(data) as EventData<'content.delta'>);
    const now = this.events.flatMap(({ event }) =>
      event.type === 'content.delta' && own(event) ? [event.data] : [],
    );
    return [...before, ...now];
  }

  openCalls(turn: MessageId): CallRecord[] {
    return [...this.calls.values()].filter(
      (call) => call.turn === turn && call.state !== 'settled',
    );
  }
}
