/**
 * What tools do to the world outside: a server that counts it, and that can hold a tool before or after its effect while a test kills what
 * it likes. And the tools themselves, one for each declaration of how often they may run.
 */
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdir, writeFile } from 'node:fs/promises';
import { expect } from 'vitest';

export type Stage = 'before' | 'after';

interface Effect {
  readonly tool: string;
  readonly callId: string;
  readonly pid: number;
  /** What came in the header `idempotency-key`, as worlds outside take it. */
  readonly key: string | undefined;
  /** It has this key already, and did nothing. */
  readonly repeated: boolean;
}

/** `never` and `probed` are never-retry, the second with a probe. */
export const TOOLS = ['never', 'probed', 'keyed', 'read'] as const;
export type ToolName = (typeof TOOLS)[number];

export interface EffectServer extends AsyncDisposable {
  readonly url: string;
  /** Runs that came to a stage, in order. */
  readonly arrived: readonly (Effect & { readonly stage: Stage })[];
  /** Runs of a tool that asked for their effect. */
  effects(tool: ToolName): readonly Effect[];
  /** How often the world did it: under one key once. */
  done(tool: ToolName): number;
  /** From now on runs wait at this stage. */
  hold(stage: Stage): void;
  /** Whoever waits goes on, and nobody waits any more. */
  go(): void;
  /** Resolves when so many runs have come to the stage. */
  waiting(stage: Stage, count: number): Promise<void>;
  forget(): void;
}

const PATIENCE = { timeout: 120_000, interval: 20 };

export async function startEffectServer(): Promise<EffectServer> {
  const arrived: (Effect & { stage: Stage })[] = [];
  const effects: Effect[] = [];
  let held: Stage | undefined;
  let gate = Promise.withResolvers<void>();
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://here');
    const of = (name: string): string => searchParams.get(name) ?? '';
    const key = request.headers['idempotency-key'] as string | undefined;
    const repeated = key !== undefined && effects.some((effect) => effect.key === key);
    const run = { tool: of('tool'), callId: of('call'), pid: Number(of('pid')), key, repeated };
    if (pathname === '/happened') {
      const happened = effects.some(({ callId }) => callId === run.callId);
      response.end(JSON.stringify({ happened }));
      return;
    }
    if (pathname === '/effect') effects.push(run);
    else {
      const stage = of('stage') as Stage;
      arrived.push({ ...run, stage });
      if (stage === held) await gate.promise;
    }
    response.end('{}');
  };
  const server = createServer((request, response) => void handle(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const go = (): void => {
    held = undefined;
    gate.resolve();
  };
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    arrived,
    effects: (tool) => effects.filter((effect) => effect.tool === tool),
    done: (tool) => effects.filter((effect) => effect.tool === tool && !effect.repeated).length,
    hold: (stage) => {
      held = stage;
      gate = Promise.withResolvers();
    },
    go,
    waiting: (stage, count) =>
      expect
        .poll(() => arrived.filter((run) => run.stage === stage).length, PATIENCE)
        .toBeGreaterThanOrEqual(count),
    forget: () => {
      arrived.length = 0;
      effects.length = 0;
    },
    [Symbol.asyncDispose]: async () => {
      go();
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** A folder of tools as a user would write them. */
export async function writeTools(folder: string, url: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(
    `${folder}/tools.ts`,
    `import { defineTool, z } from 'perdure/tools';

const ask = async (path: string, init: RequestInit = {}): Promise<{ happened?: boolean }> => {
  const response = await fetch('${url}' + path + '&pid=' + process.pid, init);
  return (await response.json()) as { happened?: boolean };
};

interface Context {
  readonly callId: string;
  readonly idempotencyKey: string;
  readonly signal: AbortSignal;
}

const tool = (name: string, more: object) =>
  defineTool({
    name,
    description: 'Has an effect outside.',
    input: z.object({ number: z.number().optional() }),
    timeoutMs: 300_000,
    ...more,
    async execute(_: unknown, { callId, idempotencyKey, signal }: Context) {
      const run = '&tool=' + name + '&call=' + callId;
      await ask('/stage?stage=before' + run, { signal });
      // Once it is on its way nothing calls it back.
      const headers = name === 'keyed' ? { 'idempotency-key': idempotencyKey } : {};
      await ask('/effect?' + run, { headers });
      await ask('/stage?stage=after' + run, { signal });
      return 'receipt of ' + callId;
    },
  });

export default [
  tool('never', {}),
  tool('probed', {
    probe: async (callId: string) => {
      const { happened } = await ask('/happened?call=' + callId);
      return happened ? { happened, result: 'found' } : { happened: false };
    },
  }),
  tool('keyed', { effect: 'keyed' }),
  tool('read', { effect: 'read' }),
  defineTool({
    name: 'flood',
    description: 'Says too much.',
    input: { type: 'object' },
    execute: () => 'x'.repeat(50 * 1024 * 1024),
  }),
];
`,
  );
}
