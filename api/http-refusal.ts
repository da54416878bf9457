import type { ErrorCode } from '../contracts/errors.ts';
import { PerdureError, type PerdureErrorOptions } from '../contracts/perdure-error.ts';

interface Form extends PerdureErrorOptions {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A request whose form is wrong in a way for which HTTP has a status of its own; its code is still one of the table. */
export class HttpRefusal extends PerdureError {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;

  constructor(code: ErrorCode, message: string, { status, headers = {}, ...rest }: Form) {
    super(code, message, rest);
    this.status = status;
    this.headers = headers;
  }
}
