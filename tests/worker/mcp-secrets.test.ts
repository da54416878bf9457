import { Client, Connection } from '@temporalio/client';
import { expect, it } from 'vitest';
import { agentSchema } from '../../contracts/settings.ts';
import { mcpServerSchema } from '../../contracts/mcp.ts';
import { createLog } from '../../telemetry/log.ts';
import { hostileServer, TELLS_ALL } from '../support/mcp/hostile-http.ts';
import { stage } from './stage.ts';

const SECRETS: Readonly<Record<string, string>> = {
  WIKI_TOKEN: 'wiki-token-of-the-test',
  WIKI_WORD: 'wiki-word-of-the-test',
};

/** Temporal keeps what activities return and throw: base64, in which no search would find anything. */
async function historyOf(address: string, workflowId: string): Promise<string> {
  const connection = await Connection.connect({ address });
  try {
    const handle = new Client({ connection }).workflow.getHandle(workflowId);
    const { events = [] } = await handle.fetchHistory();
    return JSON.stringify(events, (_, value: unknown) =>
      value instanceof Uint8Array ? Buffer.from(value).toString('utf8') : value,
    );
  } finally {
    await connection.close();
  }
}

it('what an MCP server is given by reference stands in no event, no history, no log line and no request of the model', async () => {
  await using server = await hostileServer(TELLS_ALL);
  await using open = await stage();
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  const settings = {
    ...open.settings,
    catalogue: {
      ...open.settings.catalogue,
      agents: { assistant: agentSchema.parse({ tools: ['wiki__*'] }) },
    },
    mcpServers: {
      wiki: mcpServerSchema.parse({
        url: server.url,
        bearerEnv: 'WIKI_TOKEN',
        headers: { 'x-word': 'WIKI_WORD' },
      }),
    },
  };
  const worker = await open.worker({
    settings,
    secrets: (name) => SECRETS[name],
    log: createLog({ level: 'debug', service: 'test', destination }),
  });
  try {
    await expect.poll(() => lines.join(''), { timeout: 60_000 }).toContain('has listed its tools');
    const { sessionId } = await open.ask('call=wiki__speak{} tokens=2');
    const events = await open.follow(sessionId, ({ type }) => type === 'turn.settled');
    expect(events.find(({ type }) => type === 'tool.settled')).toMatchObject({
      data: { name: 'wiki__speak', outcome: 'completed' },
    });
    expect(server.headers[0]).toMatchObject({
      authorization: `Bearer ${SECRETS['WIKI_TOKEN']}`,
      'x-word': SECRETS['WIKI_WORD'],
    });
    const places = {
      events: JSON.stringify(events),
      history: await historyOf(open.temporal.address, sessionId),
      log: lines.join(''),
      model: JSON.stringify(open.model.requests),
    };
    // Where it was looked, something is.
    expect(places.history).toContain('wiki__speak');
    expect(places.model).toContain('[redacted]');
    for (const [place, text] of Object.entries(places))
      for (const secret of Object.values(SECRETS)) expect(text, place).not.toContain(secret);
  } finally {
    await worker.drain();
  }
});
