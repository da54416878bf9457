/** An MCP server as people read it: above all, what its changed tools say now. Pure. */
import type { McpServerView, ShownMcpTool as Tool } from '../../contracts/mcp-view.ts';

type Waiting = NonNullable<McpServerView['waiting']>;

const indented = (text: string, by: string): string => text.replaceAll(/^/gm, by);

/** Control characters of a stranger's text would move the cursor of whoever reads it. */
const plain = (text: string): string =>
  text.replaceAll(/[\p{Cc}\p{Cf}]/gu, (found) => (found === '\n' ? found : '\uFFFD'));

const PARTS = ['description', 'inputSchema', 'outputSchema', 'hints'] as const;

const said = (tool: Tool, part: (typeof PARTS)[number]): string => {
  const value = tool[part];
  return plain(typeof value === 'string' ? value : (JSON.stringify(value) ?? 'none'));
};

const addedText = (tool: Tool): string =>
  [
    `  + ${plain(tool.name)}`,
    ...PARTS.filter((part) => tool[part] !== undefined).map((part) =>
      indented(`${part}: ${said(tool, part)}`, '      '),
    ),
  ].join('\n');

function changedText({ before, after }: Waiting['changed'][number]): string {
  const parts = PARTS.filter((part) => said(before, part) !== said(after, part));
  const lines = parts.flatMap((part) => [
    indented(`${part} was: ${said(before, part)}`, '      '),
    indented(`${part} is:  ${said(after, part)}`, '      '),
  ]);
  // Such as a title, which no model is told.
  const rest = parts.length === 0 ? ['      something that models are not told'] : [];
  return [`  ~ ${plain(after.name)}`, ...lines, ...rest].join('\n');
}

/** What a server lists beside what is approved: `~` changed, `+` added, `-` removed. */
export const changesText = ({ added, changed, removed, hash, since }: Waiting): string =>
  [
    `  listed since ${since} (${hash}):`,
    ...changed.map(changedText),
    ...added.map(addedText),
    ...removed.map((name) => `  - ${plain(name)}`),
  ].join('\n');

export const howToApprove = (server: string, { hash }: Waiting): string =>
  `To trust this list: perdure mcp approve ${server} --hash ${hash}`;

function waitingText(server: string, waiting: Waiting): string[] {
  const waits = waiting.added.length + waiting.changed.length > 0;
  const advice = `  New and changed tools are not offered. ${howToApprove(server, waiting)}`;
  return [changesText(waiting), ...(waits ? [advice] : [])];
}

export function serverText({
  server,
  transport,
  enabled,
  approved,
  revoked,
  waiting,
}: McpServerView): string {
  const state = transport === null ? 'not in the settings' : enabled ? transport : 'disabled';
  const trust = approved
    ? [
        `  approved ${approved.at} by ${approved.by ?? 'its first use'}: ${approved.tools.map(plain).join(', ') || 'no tools'}`,
      ]
    : [
        revoked
          ? `  approval revoked ${revoked.at} by ${revoked.by}: none of its tools is offered or called`
          : '  has not listed its tools yet',
      ];
  return [`${server} (${state})`, ...trust, ...(waiting ? waitingText(server, waiting) : [])].join(
    '\n',
  );
}
