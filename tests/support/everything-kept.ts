/** Everything that a running product keeps and tells: histories, files, tables, logs, metrics, answers. */
import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { Client, Connection, defaultPayloadConverter } from '@temporalio/client';
import type { WorkflowHandle } from '@temporalio/client';
import { temporal } from '@temporalio/proto';
import pg from 'pg';
import type { Cluster } from './cluster.ts';
import type { Place } from './secret-search.ts';

export async function everythingKept(
  cluster: Cluster,
  { paths, postgresUrl }: { paths: readonly string[]; postgresUrl?: string | undefined },
): Promise<readonly Place[]> {
  const parts = [histories(cluster), files(cluster), metrics(cluster), answers(cluster, paths)];
  if (postgresUrl !== undefined) parts.push(tables(postgresUrl));
  return (await Promise.all(parts)).flat();
}

/** Of all workflows. */
async function histories({ temporal: { address } }: Cluster): Promise<Place[]> {
  const connection = await Connection.connect({ address });
  try {
    const { workflow } = new Client({ connection });
    const places: Place[] = [];
    for await (const { workflowId, runId } of workflow.list())
      places.push(...(await historyOf(workflow.getHandle(workflowId, runId))));
    return places;
  } finally {
    await connection.close();
  }
}

/** The bytes that Temporal has, and the values in them as workers see them. */
export async function historyOf(
  handle: Pick<WorkflowHandle, 'workflowId' | 'fetchHistory'>,
): Promise<Place[]> {
  const history = await handle.fetchHistory();
  return [
    {
      where: `history of ${handle.workflowId}`,
      bytes: temporal.api.history.v1.History.encode(history).finish(),
    },
    {
      where: `values in the history of ${handle.workflowId}`,
      bytes: JSON.stringify(history, (_, value: unknown) => decoded(value)),
    },
  ];
}

type Payload = Parameters<typeof defaultPayloadConverter.fromPayload>[0];

function decoded(value: unknown): unknown {
  const isPayload = typeof value === 'object' && value !== null && 'metadata' in value;
  if (!isPayload || !('data' in value)) return value;
  const { metadata, data } = value as { metadata: object; data: string | Uint8Array };
  const bytes = (each: unknown) => (typeof each === 'string' ? Buffer.from(each, 'base64') : each);
  const whole = {
    metadata: Object.fromEntries(Object.entries(metadata).map(([key, of]) => [key, bytes(of)])),
    data: bytes(data),
  };
  return defaultPayloadConverter.fromPayload(whole as Payload);
}

/** Logs, the embedded journal and its write-ahead log, Temporal's own file, the data folder. */
async function files({ folder }: Cluster): Promise<Place[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return Promise.all(
    entries
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => join(parentPath, name))
      // What opens the encrypted ones.
      .filter((path) => !path.endsWith('secret-key'))
      .map(async (path) => ({ where: relative(folder, path), bytes: await readFile(path) })),
  );
}

async function metrics({ apis, workers }: Cluster): Promise<Place[]> {
  const urls = new Set([...apis, ...workers].map(({ origin }) => `${origin}/metrics`));
  return Promise.all([...urls].map(answerOf));
}

const answers = ({ urls }: Cluster, paths: readonly string[]): Promise<Place[]> =>
  Promise.all(paths.map((path) => answerOf(`${urls[0]}${path}`)));

async function answerOf(url: string): Promise<Place> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  return { where: url, bytes: await response.text() };
}

async function tables(url: string): Promise<Place[]> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    const { rows } = await client.query<{ name: string }>(
      `select format('%I.%I', table_schema, table_name) as name from information_schema.tables
       where table_schema not in ('pg_catalog', 'information_schema')`,
    );
    const places: Place[] = [];
    for (const { name } of rows) {
      const found = await client.query<{ text: string }>(
        `select coalesce(string_agg(whole::text, E'\\n'), '') as text from ${name} as whole`,
      );
      places.push({ where: `table ${name}`, bytes: found.rows[0]!.text });
    }
    return places;
  } finally {
    await client.end();
  }
}
