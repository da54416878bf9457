/** `perdure mcp …`: which tools of MCP servers are trusted. */
import type { Command } from 'commander';
import { withConnection } from '../connection-options.ts';
import { withJson } from '../json-output.ts';
import type { ApproveOptions, McpOptions } from './run.ts';

export function registerMcp(program: Command): void {
  const mcp = program
    .command('mcp')
    .description(
      'Show MCP servers and their changed tools; approve the changes, or take an approval back.',
    );
  const add = (signature: string, description: string): Command =>
    withJson(withConnection(mcp.command(signature).description(description)));

  add('list', 'servers, their approved tools, and the changes that wait').action(
    async (options: McpOptions) => (await run()).list(options),
  );

  add('approve <server>', 'trust what the server lists now')
    .option('--hash <hash>', 'only this list, as `perdure mcp list` showed it')
    .action(async (server: string, options: ApproveOptions) =>
      (await run()).approve(server, options),
    );

  add(
    'revoke <server>',
    'take the approval back: none of its tools is used until the next one',
  ).action(async (server: string, options: McpOptions) =>
    (await import('./revoke.ts')).revoke(server, options),
  );
}

/** Loaded when a command runs, so that `--help` is quick. */
const run = () => import('./run.ts');
