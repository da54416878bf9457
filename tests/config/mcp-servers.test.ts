import { describe, expect, it } from 'vitest';
import { load, problemsOf } from './support.ts';

const problemsIn = async (servers: object) => {
  const problems = await problemsOf({ yaml: JSON.stringify({ mcpServers: servers }) });
  return problems.map(({ path, message }) => `${path}: ${message}`);
};

describe('MCP servers in the settings (E9)', () => {
  it('are a command or a URL', async () => {
    expect(
      await problemsIn({
        neither: {},
        both: { command: 'x', url: 'https://example.com' },
        mixed: { url: 'https://example.com', args: ['x'] },
        other: { command: 'x', bearerEnv: 'TOKEN' },
        twice: { url: 'https://example.com', bearerEnv: 'A', headers: { authorization: 'B' } },
        no__name: { command: 'x' },
      }),
    ).toEqual([
      'mcpServers.neither: has neither "command" nor "url"; expected one of the two',
      'mcpServers.both.url: stands beside "command"; expected one of the two',
      'mcpServers.mixed.args: is for servers with a "command" only',
      'mcpServers.other.bearerEnv: is for servers with a "url" only',
      'mcpServers.twice.bearerEnv: stands beside headers.Authorization; expected one of the two',
      'mcpServers.no__name: is not a name of a server: expected letters and digits, single "_" or "-" between them',
    ]);
  });

  it('never show a secret that stands where a variable should be named', async () => {
    const problems = await problemsIn({
      files: { command: 'x', env: { WORD: 'ghp-secret-value' } },
      wiki: { url: 'https://example.com', headers: { 'x-word': 'secret-value' } },
    });
    expect(problems.join()).not.toContain('secret-value');
    expect(problems).toHaveLength(2);
  });

  it('have all but what they are given by default', async () => {
    const { mcpServers } = await load({ yaml: 'mcpServers: { files: { command: files } }' });
    expect(mcpServers['files']).toMatchObject({ allow: ['*'], enabled: true, connectMs: 30_000 });
  });
});
