import { Client, Connection } from '@temporalio/client';
import { expect, it } from 'vitest';
import { agentSchema } from '../../contracts/settings.ts';
import { mcpServerSchema } from '../../contracts/mcp.ts';
import { createLog } from '../../telemetry/log.ts';
import { historyOf } from '../support/everything-kept.ts';
import { secretsIn } from '../support/secret-search.ts';
import type { Place } from '../support/secret-search.ts';
import { hostileServer, TELLS_ALL } from '../support/mcp/hostile-http.ts';
import { stage } from './stage.ts';

const SECRETS: Readonly<Record<string, string>> = {
  WIKI_TOKEN: 'wiki-token-of-the-test',
  WIKI_WORD: 'wiki-word-of-the-test',
};

const FORBIDDEN = Object.entries(SECRETS).map(([name, value]) => ({ name, value }));

async function historyPlaces(address: string, workflowId: string): Promise<Place[]> {
  const connection = await Connection.connect({ address });
  try {
    return await historyOf(new Client({ connection }).workflow.getHandle(workflowId));
  } finally {
    await connection.close();
  }
}

it('what an MCP server is given by reference stands in no event, no history, no log line, no list that is kept and no request of the model', async () => {
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
    const histories = await historyPlaces(open.temporal.address, sessionId);
    const requests = JSON.stringify(open.model.requests);
    // Where it was looked, something is.
    expect(histories.map(({ bytes }) => bytes.toString()).join('')).toContain('wiki__speak');
    expect(requests).toContain('Speaks with Bearer [redacted] [redacted].');
    const manifests = JSON.stringify(await open.journal.mcpManifests.list());
    expect(manifests).toContain('Speaks with');
    const places: readonly Place[] = [
      ...histories,
      { where: 'events', bytes: JSON.stringify(events) },
      { where: 'the list that the journal keeps', bytes: manifests },
      { where: 'log', bytes: lines.join('') },
      { where: "the model's requests", bytes: requests },
    ];
    expect(secretsIn(places, FORBIDDEN)).toEqual([]);
  } finally {
    await worker.drain();
  }
});
