import type { PerdureEvent } from '../../contracts/events.ts';

/** An event with its wire forms, each made at most once however many clients follow the session. */
export class EncodedEvent {
  readonly event: PerdureEvent;
  #json: string | undefined;
  #sse: string | undefined;

  constructor(event: PerdureEvent) {
    this.event = event;
  }

  get seq(): number {
    return this.event.seq;
  }

  get json(): string {
    return (this.#json ??= JSON.stringify(this.event));
  }

  /** A server-sent event: the number as its id, the whole envelope as its data. */
  get sse(): string {
    return (this.#sse ??= `id: ${this.event.seq}\ndata: ${this.json}\n\n`);
  }
}
