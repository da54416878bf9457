/** `perdure mcp …`: which tools of MCP servers are trusted. */
import { InvalidArgumentError } from 'commander';
import type { Command } from 'commander';
import { withConnection } from '../connection-options.ts';
import { withJson } from '../json-output.ts';
import type { ApproveOptions } from './approve.ts';
import type { McpOptions } from './run.ts';

export function registerMcp(program: Command): void {
  const mcp = program
    .command('mcp')
    .description(
      'Show MCP servers and their changed tools; approve the changes, or take an approval back.',
    );
  const add = (signature: string, description: string): Command =>
    withJson(withConnection(mcp.command(signature).description(description)));

  add('list', 'servers, their approved tools, and the changes that wait').action(
    async (options: McpOptions) => (await import('./run.ts')).list(options),
  );

  add('approve <server>', 'show what the server has changed, ask, and trust it')
    .option(
      '--hash <hash>',
      'trust this list without asking, as `perdure mcp list` showed it',
      hash,
    )
    .action(async (server: string, options: ApproveOptions) =>
      (await import('./approve.ts')).approve(server, options),
    );

  add(
    'revoke <server>',
    'take the approval back: none of its tools is used until the next one',
  ).action(async (server: string, options: McpOptions) =>
    (await import('./revoke.ts')).revoke(server, options),
  );
}

function hash(text: string): string {
  if (/^[0-9a-f]{64}$/i.test(text)) return text.toLowerCase();
  throw new InvalidArgumentError(
    'Expected the 64 digits and letters that `perdure mcp list` shows.',
  );
}
