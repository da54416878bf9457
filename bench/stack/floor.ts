import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { MALLOC_SETTINGS } from '../../cli/up/malloc.ts';
import { newId } from '../../contracts/ids.ts';
import type { FloorTimes } from '../floor/activities.ts';
import { FLOOR_QUEUE, remoteToolOf, workerToolOf } from '../floor/names.ts';
import { clock } from '../model/script.ts';
import type { SessionDriver, TurnTimes } from '../load/driver.ts';
import { firstMessage, forkProcess } from './fork.ts';
import type { Forked } from './fork.ts';

/** What talks to the bare SDK, as a client of ours talks to Perdure. */
export interface Floor extends AsyncDisposable {
  readonly pid: number;
  readonly forked: Forked;
  readonly client: Client;
  start(): Promise<SessionDriver>;
  /** A session whose turns call a tool in the worker and one elsewhere. */
  startTools(): Promise<ToolDriver>;
  /** A session whose turns are commands of a bare child process. */
  startShell(): Promise<ShellDriver>;
}

export interface ShellDriver {
  /** From the request to the process. */
  readonly createMs: number;
  /** Milliseconds from the message to the end of its answer. */
  turn(text: string): Promise<number>;
  stop(): Promise<void>;
}

/** Milliseconds of a tool call, from the end of what asked for it to where its result is known. */
export interface ToolTimes {
  readonly workerMs: number;
  readonly remoteMs: number;
}

export interface ToolDriver {
  turn(text: string): Promise<ToolTimes>;
  stop(): Promise<void>;
}

export interface FloorOptions {
  readonly address: string;
  readonly modelUrl: string;
  readonly folder: string;
  readonly execArgv?: readonly string[];
}

/** The floor's worker in a process of its own; signals are sent from this one. */
export async function startFloor(options: FloorOptions): Promise<Floor> {
  const forked = forkProcess('../floor/worker.ts', {
    args: [options.address, options.modelUrl],
    // As ours has them.
    env: MALLOC_SETTINGS,
    logFile: join(options.folder, 'floor.log'),
    execArgv: options.execArgv ?? [],
  });
  const waiting = new Map<string, (times: FloorTimes) => void>();
  forked.process.on('message', (message: Partial<FloorTimes>) => {
    if (!message.id) return;
    waiting.get(message.id)?.(message as FloorTimes);
    waiting.delete(message.id);
  });
  await firstMessage(forked, (message) => (message as { ready?: boolean }).ready);
  const connection = await Connection.connect({ address: options.address });
  const client = new Client({ connection });
  return {
    pid: forked.pid,
    forked,
    client,
    start: () => startSession(client, waiting),
    startTools: () => startTools(client, waiting),
    startShell: () => startShell(client, waiting),
    [Symbol.asyncDispose]: async () => {
      await connection.close();
      await forked[Symbol.asyncDispose]();
    },
  };
}

type Waiting = Map<string, (times: FloorTimes) => void>;

const told = (waiting: Waiting, id: string): Promise<FloorTimes> =>
  new Promise((resolve) => waiting.set(id, resolve));

async function startTools(client: Client, waiting: Waiting): Promise<ToolDriver> {
  const workflowId = `bench-floor-${newId('run')}`;
  const handle = await client.workflow.start('floorTools', { workflowId, taskQueue: FLOOR_QUEUE });
  const turn = async (text: string): Promise<ToolTimes> => {
    const id = newId('msg');
    const [answered, worked, noted] = [id, workerToolOf(id), remoteToolOf(id)].map((name) =>
      told(waiting, name),
    );
    await handle.signal('say', { id, text });
    const worker = (await worked!).doneAt;
    const askedAt = clock();
    await handle.signal('result');
    return {
      workerMs: worker - (await answered!).doneAt,
      remoteMs: (await noted!).doneAt - askedAt,
    };
  };
  return { turn, stop: async () => handle.signal('finish') };
}

async function startShell(client: Client, waiting: Waiting): Promise<ShellDriver> {
  const id = newId('run');
  const started = told(waiting, id);
  const startedAt = clock();
  const workflowId = `bench-floor-${id}`;
  const handle = await client.workflow.start('floorShell', {
    ...{ workflowId, taskQueue: FLOOR_QUEUE, args: [id] },
  });
  const createMs = (await started).doneAt - startedAt;
  const turn = async (text: string): Promise<number> => {
    const turnId = newId('msg');
    const answered = told(waiting, turnId);
    const sentAt = clock();
    await handle.signal('say', { id: turnId, text });
    return (await answered).doneAt - sentAt;
  };
  return { createMs, turn, stop: async () => handle.signal('finish') };
}

async function startSession(client: Client, waiting: Waiting): Promise<SessionDriver> {
  const workflowId = `bench-floor-${newId('run')}`;
  const handle = await client.workflow.start('floor', { workflowId, taskQueue: FLOOR_QUEUE });
  const turn = async (text: string): Promise<TurnTimes> => {
    const id = newId('msg');
    const answered = told(waiting, id);
    const sentAt = clock();
    await handle.signal('say', { id, text });
    const times = await answered;
    return { firstMs: times.firstTokenAt - sentAt, doneMs: times.doneAt - sentAt };
  };
  return { workflowId, turn, stop: async () => handle.signal('finish') };
}
