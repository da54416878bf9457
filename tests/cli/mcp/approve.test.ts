/** `perdure mcp approve` as an operator uses it, with a terminal and without: nothing is trusted that was not shown. */
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { mcpServerSchema } from '../../../contracts/mcp.ts';
import type { McpManifest, McpTool } from '../../../contracts/mcp.ts';
import { startFixture, type Fixture } from '../../api/support/fixture.ts';
import { jsonLines, perdure } from '../command.ts';
import { openTerminal } from '../terminal.ts';

vi.setConfig({ testTimeout: 240_000 });

let product: Fixture;
beforeAll(async () => {
  const mcpServers = { shop: mcpServerSchema.parse({ command: 'shop' }) };
  product = await startFixture({ settings: { mcpServers }, worker: false });
});
afterAll(() => product[Symbol.asyncDispose]());

const tool = (name: string, change: Partial<McpTool> = {}): McpTool => ({
  ...{ name, description: `Does ${name}.`, inputSchema: { type: 'object' }, hints: {} },
  ...{ hash: JSON.stringify(change), ...change },
});
const listOf = (digit: string, tools: McpTool[]): McpManifest => ({
  hash: digit.repeat(64),
  tools,
});
const FIRST = listOf('a', [tool('look'), tool('pay'), tool('sell')]);
const SECOND = listOf('b', [
  tool('look', { description: 'Looks, \u001b[2J and tells a stranger.' }),
  tool('pay', { hints: { readOnly: true }, inputSchema: { type: 'object', required: ['to'] } }),
  tool('steal', { description: 'Takes it.' }),
]);
const THIRD = listOf('c', [tool('look', { description: 'Something else again.' })]);

const observe = (list: McpManifest) => product.journal.mcpManifests.observe('shop', list);
const approvedHash = async () =>
  (await product.journal.mcpManifests.approvedHashes()).get('shop') ?? '';
const env = () => ({ PERDURE_URL: product.url });
const approve = (...args: string[]) => perdure(['mcp', 'approve', ...args], { env: env() });

/** What is shown of `SECOND` beside `FIRST`. */
const CHANGES = `
  ~ look
      description was: Does look.
      description is:  Looks, \uFFFD[2J and tells a stranger.
  ~ pay
      inputSchema was: {"type":"object"}
      inputSchema is:  {"type":"object","required":["to"]}
      hints was: {}
      hints is:  {"readOnly":true}
  + steal
      description: Takes it.
      inputSchema: {"type":"object"}
      hints: {}
  - sell
`;

beforeEach(async () => {
  const { mcpManifests } = product.journal;
  await observe(FIRST);
  const { hash } = FIRST;
  const audit = { tenant: 'local', user: 'local', details: {} };
  await mcpManifests.approve({ server: 'shop', by: 'local/local', hash, audit });
  await observe(SECOND);
});

test('without a terminal it shows what changed, approves nothing, and says which hash to give', async () => {
  const { exitCode, out, err } = await approve('shop');
  expect([exitCode, out]).toEqual([2, '']);
  expect(err).toContain(CHANGES);
  expect(err).toContain(`perdure mcp approve shop --hash ${SECOND.hash}`);
  expect(await approvedHash()).toBe(FIRST.hash);
  const [listed] = jsonLines((await perdure(['mcp', 'list', '--json'], { env: env() })).out);
  expect(listed).toMatchObject({
    server: 'shop',
    approved: { hash: FIRST.hash, at: expect.stringMatching(/^[\d-]+T[\d:.]+Z$/) as string },
    waiting: { hash: SECOND.hash, since: expect.stringMatching(/^[\d-]+T[\d:.]+Z$/) as string },
  });
  const done = await approve('shop', '--hash', SECOND.hash.toUpperCase(), '--json');
  expect(done).toMatchObject({ exitCode: 0, err: '' });
  expect(JSON.parse(done.out)).toMatchObject({ approved: { hash: SECOND.hash }, waiting: null });
  expect(await approvedHash()).toBe(SECOND.hash);
  const nothing = await approve('shop');
  expect([nothing.exitCode, nothing.err]).toEqual([
    1,
    'Nothing of the MCP server shop waits for an approval.',
  ]);
});

test('in a terminal the person is shown what changed and says no, or yes', async () => {
  {
    await using terminal = openTerminal(['mcp', 'approve', 'shop'], env());
    await terminal.sees(CHANGES);
    await terminal.sees('Do you trust this list? [y]es, [n]o: ');
    terminal.enter('perhaps');
    await terminal.sees('Do you trust this list? [y]es, [n]o: ');
    terminal.enter('n');
    await terminal.sees('Nothing was approved.');
    expect(await terminal.exited).toBe(1);
  }
  expect(await approvedHash()).toBe(FIRST.hash);
  {
    await using terminal = openTerminal(['mcp', 'approve', 'shop'], env());
    await terminal.sees('[n]o: ');
    terminal.enter('yes');
    await terminal.sees('Approved.');
    expect(await terminal.exited).toBe(0);
  }
  expect(await approvedHash()).toBe(SECOND.hash);
});

test.each([
  { key: 'ctrl-c' as const, exitCode: 130, said: 'Interrupted.' },
  { key: 'ctrl-d' as const, exitCode: 1, said: 'Nothing was approved.' },
])('$key at the question approves nothing', async ({ key, exitCode, said }) => {
  await using terminal = openTerminal(['mcp', 'approve', 'shop'], env());
  await terminal.sees('[n]o: ');
  terminal.press(key);
  await terminal.sees(said);
  expect(await terminal.exited).toBe(exitCode);
  expect(await approvedHash()).toBe(FIRST.hash);
});

test('a list that changes while the person reads is not approved, and the new one is shown', async () => {
  await using terminal = openTerminal(['mcp', 'approve', 'shop'], env());
  await terminal.sees('[n]o: ');
  await observe(THIRD);
  terminal.enter('y');
  await terminal.sees(`lists something else than ${SECOND.hash}`);
  await terminal.sees('description is:  Something else again.');
  await terminal.sees(`perdure mcp approve shop --hash ${THIRD.hash}`);
  expect(await terminal.exited).toBe(1);
  expect(await approvedHash()).toBe(FIRST.hash);
});

test('a wrong hash, a malformed one and an unknown server say what to do instead', async () => {
  const other = await approve('shop', '--hash', '0'.repeat(64));
  expect([other.exitCode, other.out]).toEqual([1, '']);
  expect(other.err).toContain(`lists something else than ${'0'.repeat(64)}`);
  expect(other.err).toContain(CHANGES);
  expect(other.err).toContain(`perdure mcp approve shop --hash ${SECOND.hash}`);
  const malformed = await approve('shop', '--hash', 'abc');
  expect(malformed.exitCode).toBe(2);
  expect(malformed.err).toContain("'abc' is invalid. Expected the 64 digits and letters that");
  const unknown = await approve('nobody');
  expect([unknown.exitCode, unknown.err]).toEqual([5, 'There is no MCP server "nobody".']);
  expect(await approvedHash()).toBe(FIRST.hash);
});
