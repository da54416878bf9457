/** Events that a person should notice, in a line each. */
import { ERRORS } from '../../contracts/errors.ts';
import type { ErrorInfo } from '../../contracts/errors.ts';
import type { ConnectionNotice } from '../../client/index.ts';
import { partsText } from '../../contracts/content.ts';
import type { EventData, EventType, PerdureEvent } from '../../contracts/events.ts';
import { oneLine } from '../format.ts';

type Notice<T extends EventType> = (data: EventData<T>, now: number) => string | undefined;

const NOTICES: { [T in EventType]?: Notice<T> } = {
  'model.retrying': ({ error, failures, nextAt }, now) =>
    `(model failed, ${failures}×: ${oneLine(error.message)}; trying again ${seconds(nextAt, now)} from now)`,
  'model.switched': ({ from, to, reason }) =>
    `(now using ${to}${reason === 'fallback' ? `: ${from} does not answer` : ''})`,
  'turn.settled': settled,
  'message.queued': ({ content }) => `(queued: ${oneLine(partsText(content))})`,
  'message.rejected': ({ error }) => problem('Message refused', error),
  'tool.progress': ({ message }) => `  … ${oneLine(message)}`,
  'approval.settled': decision,
  'command.output': ({ text }) => `  … ${oneLine(text)}`,
  'context.compacted': () =>
    '(older messages were summarised, so that the conversation fits the model)',
  'session.warning': ({ reason, endsAt, withdrawn }, now) =>
    withdrawn ? undefined : `(the session ends ${seconds(endsAt, now)} from now: ${reason} limit)`,
  'session.ended': ({ reason, error }) =>
    error
      ? problem('Session ended', error)
      : `(session ended: ${reason}; your next message reopens it)`,
  'session.reopened': () => '(session reopened)',
};

/** The line for an event, or undefined where the conversation itself shows it. */
export function noticeOf({ type, data }: PerdureEvent, now = Date.now()): string | undefined {
  const notice: Notice<EventType> | undefined = NOTICES[type];
  return notice?.(data, now);
}

export const connectionNotice = (notice: ConnectionNotice): string | undefined => {
  if (notice.type === 'resumed') return '(connected again)';
  // Once is enough: the next tries fail for the same reason.
  return notice.failures === 1
    ? '(connection lost; trying again. The session goes on.)'
    : undefined;
};

function settled(data: EventData<'turn.settled'>): string | undefined {
  if (data.outcome === 'completed') return undefined;
  if (data.outcome === 'interrupted') return '(interrupted)';
  return 'error' in data
    ? problem(`Turn ${data.outcome.replace('_', ' ')}`, data.error)
    : undefined;
}

function decision(data: EventData<'approval.settled'>): string | undefined {
  if (!('by' in data))
    return data.outcome === 'expired'
      ? '(nobody approved the call in time: it expired)'
      : undefined;
  const changed = data.outcome === 'approved' && ('arguments' in data || 'artifact' in data);
  return `(${data.outcome} by ${oneLine(data.by)}${changed ? ', with other arguments' : ''})`;
}

const problem = (what: string, { code, message }: ErrorInfo): string =>
  `✗ ${what}: ${oneLine(message, 300)} (${code})\n  ${ERRORS[code].advice}`;

const seconds = (at: string, now: number): string =>
  `${Math.max(0, Math.ceil((Date.parse(at) - now) / 1_000))} s`;
