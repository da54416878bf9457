/** The last that was printed: enough to tell a person why, or to find a prompt in. */
const CHARACTERS = 2_000;

export class Tail {
  #text = '';

  add(text: string): void {
    this.#text = (this.#text + text).slice(-CHARACTERS);
  }

  get text(): string {
    return this.#text.trimStart();
  }
}
