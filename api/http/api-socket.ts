import { WebSocket } from 'ws';
import type { PerdureError } from '../../contracts/perdure-error.ts';
import { statusOf } from '../errors.ts';
import { takeFrame } from './batch.ts';

/** 4000 to 4999 are an application's own (RFC 6455, section 7.4.2): the HTTP status that a request would have had, plus this. */
const STATUS_OFFSET = 4_000;
/** RFC 6455, section 5.5: a control frame holds 125 bytes, two of them the code. */
const MAX_REASON_BYTES = 123;

/**
 * A socket whose refusal reaches its client. tRPC's adapter closes a refused socket at once; a request that is on its way by then would
 * end without an answer. This one stays open until its first request was answered with the refusal, then closes with a code and a reason.
 */
export class ApiSocket extends WebSocket {
  #messages = 0;
  #refusal: { readonly error: PerdureError; readonly messages: number } | undefined;
  #leaving = false;
  /** Of frames that have come, in order: what tRPC has not been given yet. */
  readonly #pieces: Buffer[] = [];

  /** Messages that have come so far. */
  get messages(): number {
    return this.#messages;
  }

  override emit(event: string | symbol, ...args: unknown[]): boolean {
    const isText = event === 'message' && args[1] === false;
    return isText ? this.#take(args[0] as Buffer) : super.emit(event, ...args);
  }

  #take(frame: Buffer): true {
    const { refusals, pieces } = takeFrame(frame);
    for (const answer of refusals) this.send(answer);
    const isIdle = this.#pieces.length === 0;
    this.#pieces.push(...pieces);
    if (isIdle && pieces.length > 0) this.#handOn();
    return true;
  }

  /** One piece a turn of the event loop, and nothing more is read meanwhile: other clients have their turns in between. */
  #handOn(): void {
    super.emit('message', this.#pieces[0], false);
    this.#pieces.shift();
    if (this.#pieces.length === 0) return this.resume();
    this.pause();
    setImmediate(() => this.#handOn());
  }

  /** To be called before anybody else listens. */
  count(): void {
    this.on('message', () => {
      this.#messages += 1;
      // Its answer is sent before the next turn of the event loop.
      if (this.#leaving) setImmediate(() => this.#leave());
    });
  }

  /** @param messages how many had come that were no requests: the connection parameters */
  refuse(error: PerdureError, messages: number): void {
    this.#refusal = { error, messages };
  }

  override close(code?: number, reason?: string | Buffer): void {
    if (code !== undefined || !this.#refusal) return super.close(code, reason);
    this.#leaving = true;
    if (this.#messages > this.#refusal.messages) this.#leave();
  }

  /** Time is up for whoever has not said who they are, or was refused and asked for nothing. */
  expire(): void {
    if (this.#refusal) this.#leave();
    else this.terminate();
  }

  #leave(): void {
    const { error } = this.#refusal!;
    super.close(STATUS_OFFSET + statusOf(error), reasonOf(error));
  }
}

/** `code: message`, as much of it as fits. */
function reasonOf({ code, message }: PerdureError): string {
  const bytes = Buffer.from(`${code}: ${message}`).subarray(0, MAX_REASON_BYTES);
  // A character may be cut in two.
  return bytes.toString().replace(/\uFFFD+$/, '');
}
