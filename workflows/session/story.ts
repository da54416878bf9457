/** What the Temporal UI shows of a session: where it stands, in Markdown. Pure. */
import type { ToolCallRef } from '../../contracts/tools.ts';
import { totalTokens } from '../../contracts/usage.ts';
import { stateOf, type Session } from './state.ts';

const SAYS = {
  starting: 'Starting',
  waiting: 'Waiting for a message',
  running: 'Calling the model',
  streaming: 'Calling the model',
  waiting_for_tools: 'Waiting for tools',
  waiting_for_approval: 'Waiting for an approval',
  ended: 'Ended',
  error: 'Ended with an error',
} as const;

export function story(session: Session): string {
  const { start, turn, spend } = session;
  const state = stateOf(session);
  const reason = session.ended && session.ending !== null ? ` (${session.ending})` : '';
  const lines = [
    `**${SAYS[state]}**${reason}`,
    '',
    `- agent \`${start.agent}\`, model \`${session.model ?? start.model}\``,
    `- ${session.turns} turns, ${totalTokens(spend.usage)} tokens, $${spend.costUsd.toFixed(4)}`,
  ];
  if (start.engine) lines.push(`- program \`${start.engine.cli}\` ${whereabouts(session)}`);
  if (turn) lines.push(`- turn \`${turn.id}\`, step ${turn.step}`);
  for (const [approvalId, name] of turn?.approvals ?? [])
    lines.push(`- a person is asked whether \`${name}\` may run: \`${approvalId}\``);
  if (turn && turn.pending.size > 0)
    lines.push(`- open calls: ${[...turn.pending].map((id) => `\`${id}\``).join(', ')}`);
  if (session.queue.length > 0) lines.push(`- ${session.queue.length} messages queued`);
  if (session.warned !== null && !session.ended) lines.push(`- ends soon (${session.warned})`);
  return lines.join('\n');
}

const whereabouts = ({ program }: Session): string =>
  program ? `READY on \`${program.queue}\`` : 'TERMINATED';

/** Short: it is part of every turn's history. */
export const stepSummary = (session: Session): string =>
  `turn ${session.turns} step ${session.turn?.step ?? 0}`;

export const callSummary = (call: ToolCallRef): string => `${call.name} ${call.summary}`.trim();
