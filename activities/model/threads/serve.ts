/** The model thread's side: reads providers' streams and reports what they say. */
import type { MessagePort } from 'node:worker_threads';
import { classifyFailure } from '../failure.ts';
import { createModelResolver } from '../providers.ts';
import type { ModelResolver } from '../providers.ts';
import { streamAnswer } from '../stream-answer.ts';
import type { Order, Report, ThreadSettings } from './protocol.ts';

type Ask = Extract<Order, { kind: 'ask' }>;
type Send = (report: Report) => void;

/** A call as long as it runs. */
class RunningCall {
  readonly #stop = new AbortController();
  #held: PromiseWithResolvers<void> | undefined;

  stop(): void {
    this.#stop.abort();
  }

  hold(): void {
    this.#held ??= Promise.withResolvers();
  }

  resume(): void {
    this.#held?.resolve();
    this.#held = undefined;
  }

  async run(
    { id, request: asked, timeouts }: Ask,
    resolve: ModelResolver,
    send: Send,
  ): Promise<void> {
    const { model, key, ...request } = asked;
    try {
      const answer = await streamAnswer(
        { ...request, model: resolve(model, key) },
        {
          onFirstPart: () => send({ kind: 'heard', id }),
          onText: (content, text) => {
            send({ kind: 'text', id, content, text });
            return this.#held?.promise;
          },
        },
        { stop: this.#stop.signal, timeouts },
      );
      send({ kind: 'answered', id, answer });
    } catch (error) {
      const stack = error instanceof Error ? error.stack : undefined;
      send({ kind: 'failed', id, failure: classifyFailure(error), stack });
    }
  }
}

/** Text waits so long for that of other streams: well below what the journal's writer gathers anyway. */
const GATHER_MS = 10;

/** A message costs both sides more than a token: text travels together, all else at once and in order. */
function sender(port: MessagePort): Send {
  let outgoing: Report[] = [];
  let timer: NodeJS.Timeout | undefined;
  let urgent: NodeJS.Immediate | undefined;
  const post = (): void => {
    clearTimeout(timer);
    clearImmediate(urgent);
    timer = urgent = undefined;
    port.postMessage(outgoing);
    outgoing = [];
  };
  return (report) => {
    outgoing.push(report);
    if (report.kind === 'text') timer ??= setTimeout(post, GATHER_MS);
    else urgent ??= setImmediate(post);
  };
}

/** Serves orders until told to end; then the thread has nothing left to do and exits. */
export function serve(port: MessagePort, { catalogue, secrets }: ThreadSettings): void {
  const resolve = createModelResolver(catalogue, (name) => secrets[name]);
  const calls = new Map<number, RunningCall>();
  const send = sender(port);
  const ask = (order: Ask): void => {
    const call = new RunningCall();
    calls.set(order.id, call);
    void call.run(order, resolve, send).finally(() => calls.delete(order.id));
  };
  port.on('message', (order: Order) => {
    if (order.kind === 'ask') return ask(order);
    if (order.kind !== 'end') return calls.get(order.id)?.[order.kind]();
    for (const call of calls.values()) call.stop();
    port.close();
  });
}
