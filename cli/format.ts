/** Sessions and what was said in them as text for a terminal. */
import { partsText } from '../contracts/content.ts';
import type { ArtifactRef } from '../contracts/content.ts';
import type { PerdureEvent } from '../contracts/events.ts';
import type { SessionView } from '../contracts/session.ts';
import type { ToolSettlement } from '../contracts/tools.ts';
import type { TranscriptMessage } from '../contracts/transcript.ts';
import { totalTokens } from '../contracts/usage.ts';
import { clockTime, toSecond } from './times.ts';

const SHORT = 100;

/** One line of at most `length` characters, without control characters: what a model or a tool says must not steer the terminal. */
export function oneLine(text: string, length = SHORT): string {
  const flat = printable(text).replace(/\s+/g, ' ').trim();
  return flat.length > length ? `${flat.slice(0, length - 1)}…` : flat;
}

/** Text without control characters other than line breaks and tabs, and without those that make a terminal show it in another order. */
export const printable = (text: string): string =>
  // eslint-disable-next-line no-control-regex
  text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, '');

/** Both ends of a text that is too long to be read: what somebody is asked about never hides behind its beginning. */
export function bothEnds(text: string, most: number): string {
  if (text.length <= most) return text;
  const half = Math.floor(most / 2);
  return `${text.slice(0, half)}\n[… ${text.length - 2 * half} characters left out …]\n${text.slice(-half)}`;
}

export const json = (value: unknown): string =>
  value === undefined ? '' : typeof value === 'string' ? value : JSON.stringify(value);

export function sessionTable(sessions: readonly SessionView[]): string {
  const rows = sessions.map(({ sessionId, state, turns, agent, updatedAt, title }) => [
    sessionId,
    state,
    String(turns),
    agent,
    toSecond(updatedAt),
    oneLine(title ?? '', 40),
  ]);
  return textTable(['SESSION', 'STATE', 'TURNS', 'AGENT', 'UPDATED (UTC)', 'TITLE'], rows);
}

/** Columns as wide as their widest cell. */
export function textTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const table = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...table.map((row) => row[column]!.length)));
  return table
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

export function sessionDetails(session: SessionView): string {
  const { spend, error, endReason } = session;
  const fields: readonly (readonly [string, string | null])[] = [
    ['session', session.sessionId],
    ['state', endReason ? `${session.state} (${endReason})` : session.state],
    ['error', error && `${error.message} (${error.code})`],
    ['agent', session.agent],
    ['model', session.model],
    ['title', session.title],
    ['context', session.context],
    ['workspace', session.workspace],
    ['turns', String(session.turns)],
    ['queued', session.queued > 0 ? String(session.queued) : null],
    ['spent', `${totalTokens(spend.usage)} tokens, ${dollars(spend.costUsd)}`],
    ['created', session.createdAt],
    ['updated', session.updatedAt],
    ['ended', session.endedAt],
  ];
  return fields
    .filter(([, value]) => value !== null)
    .map(([name, value]) => `${name.padEnd(10)}${printable(value!)}`)
    .join('\n');
}

/** Models cost fractions of a cent. */
export const dollars = (usd: number): string => `$${usd.toFixed(usd > 0 && usd < 0.01 ? 6 : 2)}`;

export function transcriptText(message: TranscriptMessage): string {
  switch (message.role) {
    case 'user':
      return `> ${printable(partsText(message.content))}\n`;
    case 'assistant':
      return message.content
        .map((part) => {
          if (part.type === 'tool-call') return callLine(part.name, part.arguments);
          return part.type === 'text' ? printable(part.text) : '';
        })
        .filter(Boolean)
        .concat(message.partial ? ['(interrupted)', ''] : [''])
        .join('\n');
    case 'tool':
      return `${resultLine(message.name, message.settlement)}\n`;
    case 'summary':
      return `(older messages, summarised)\n${printable(message.text)}\n`;
  }
}

/** @param stored where the arguments are, if they are too large for an event */
export const callLine = (name: string, args: unknown, stored: ArtifactRef | null = null): string =>
  `  ⚙ ${name} ${oneLine(stored ? sizeOf(stored) : json(args))}`.trimEnd();

const sizeOf = ({ bytes, artifact }: ArtifactRef): string =>
  `${bytes} bytes in ${artifact.slice(0, 15)}…`;

export function resultLine(name: string, settlement: ToolSettlement): string {
  if (settlement.outcome !== 'completed') {
    return `  ✗ ${name}: ${oneLine(settlement.error.message)} (${settlement.error.code})`;
  }
  const { result, artifact } = settlement;
  const shown = artifact ? sizeOf(artifact) : json(result);
  return `  ✓ ${name}: ${oneLine(shown)}`;
}

export const eventLine = ({ seq, at, type, turn, step, data }: PerdureEvent): string => {
  const place = turn ? ` …${turn.slice(-6)}${step ? `/${step}` : ''}` : '';
  return `${String(seq).padStart(5)} ${clockTime(at)} ${type.padEnd(18)}${place} ${oneLine(JSON.stringify(data), 140)}`;
};
