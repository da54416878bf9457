/** What is kept of a program's output: its beginning and its end, in bounded memory, however much it says. */

/** Together they are four times what a result shows without being fetched. */
const HEAD_BYTES = 64 * 1024;
const TAIL_BYTES = 64 * 1024;

const CONTINUATION = 0b1000_0000;
const CONTINUATION_MASK = 0b1100_0000;

/** From the first whole character on: a cut may have split one. */
function wholeFrom(bytes: Buffer): Buffer {
  let at = 0;
  while (at < 4 && ((bytes[at] ?? 0) & CONTINUATION_MASK) === CONTINUATION) at += 1;
  return bytes.subarray(at);
}

export class KeptOutput {
  #head: Buffer = Buffer.alloc(0);
  #tail: Buffer = Buffer.alloc(0);
  /** All that was said. */
  bytes = 0;

  push(chunk: Buffer): void {
    this.bytes += chunk.length;
    const room = HEAD_BYTES - this.#head.length;
    if (room > 0) this.#head = Buffer.concat([this.#head, chunk.subarray(0, room)]);
    const rest = chunk.subarray(Math.max(0, room));
    if (rest.length > 0) this.#tail = Buffer.concat([this.#tail, rest]).subarray(-TAIL_BYTES);
  }

  /** The last words, for whoever watches. */
  last(bytes: number): string {
    const end = this.#tail.length > 0 ? this.#tail : this.#head;
    return new TextDecoder().decode(wholeFrom(end.subarray(-bytes)));
  }

  /** With a note in the middle where something was left out. */
  text(): string {
    const leftOut = this.bytes - this.#head.length - this.#tail.length;
    if (leftOut === 0) return new TextDecoder().decode(Buffer.concat([this.#head, this.#tail]));
    const head = new TextDecoder().decode(this.#head, { stream: true });
    const tail = new TextDecoder().decode(wholeFrom(this.#tail));
    return `${head}\n[… ${leftOut} bytes of output left out …]\n${tail}`;
  }
}
