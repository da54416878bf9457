/** The secrets of one run: only those that its tool declares, and nothing of them in what leaves it. */
import { PerdureError } from '../../../contracts/perdure-error.ts';
import type { SecretLookup } from '../../model/providers.ts';

/** A shorter value would blot out ordinary words. */
const SHORTEST = 6;
const HIDDEN = '[redacted]';

export class Secrets {
  readonly #declared: readonly string[];
  readonly #lookup: SecretLookup;
  readonly #values: readonly string[];

  constructor(declared: readonly string[], lookup: SecretLookup) {
    this.#declared = declared;
    this.#lookup = lookup;
    this.#values = declared
      .map((name) => lookup(name) ?? '')
      .filter((value) => value.length >= SHORTEST);
  }

  get(name: string): string {
    if (!this.#declared.includes(name))
      throw new PerdureError('tool_failed', `The tool does not declare the secret "${name}".`);
    const value = this.#lookup(name);
    if (value === undefined)
      throw new PerdureError('tool_failed', `${name} is not set for this worker.`);
    return value;
  }

  hide(text: string): string {
    return this.#values.reduce((all, value) => all.replaceAll(value, HIDDEN), text);
  }

  /** The same value, where no secret is in it. */
  hideIn(value: unknown): unknown {
    if (typeof value === 'string') return this.hide(value);
    if (this.#values.length === 0 || typeof value !== 'object' || value === null) return value;
    const text = asJson(value);
    const clean = text === undefined ? undefined : this.#hideInJson(text);
    return clean === undefined || clean === text ? value : (JSON.parse(clean) as unknown);
  }

  /** An error that Temporal shows with its stack. */
  cleaned(error: unknown, message: string): unknown {
    if (!(error instanceof Error)) return new Error(message);
    if (this.#values.length === 0) return error;
    const clean = new Error(message);
    clean.name = error.name;
    clean.stack = this.hide(error.stack ?? message);
    return clean;
  }

  #hideInJson(text: string): string {
    return this.#values.reduce(
      (all, value) => all.replaceAll(JSON.stringify(value).slice(1, -1), HIDDEN),
      text,
    );
  }
}

/** Undefined where it is none, which is told elsewhere. */
function asJson(value: object): string | undefined {
  try {
    return JSON.stringify(value);
  } catch {
    return undefined;
  }
}
