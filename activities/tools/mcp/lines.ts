/** Lines out of a stream of bytes, each bounded. Its work grows with the bytes, whatever their pieces: the event loop belongs to everybody. */
export class Lines {
  readonly #maxBytes: number;
  #pieces: Buffer[] = [];
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /**
   * @returns the lines that end in this piece
   * @throws {Error} where one is too long; then the rest is of no use
   */
  take(chunk: Buffer): readonly string[] {
    const lines: string[] = [];
    let from = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, from)) {
      this.#keep(chunk.subarray(from, end));
      lines.push(Buffer.concat(this.#pieces).toString('utf8'));
      this.clear();
      from = end + 1;
    }
    this.#keep(chunk.subarray(from));
    return lines;
  }

  clear(): void {
    this.#pieces = [];
    this.#bytes = 0;
  }

  #keep(piece: Buffer): void {
    this.#bytes += piece.length;
    if (this.#bytes > this.#maxBytes)
      throw new Error(`a line of more than ${this.#maxBytes} bytes`);
    if (piece.length > 0) this.#pieces.push(piece);
  }
}
