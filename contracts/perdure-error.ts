import { ERRORS, type ErrorCode, type ErrorInfo } from './errors.ts';

export interface PerdureErrorOptions {
  cause?: unknown;
  /** The input's field that is wrong, as a path: `message.parts[2].text`. */
  field?: string;
  /** How long to wait before trying again, in milliseconds. */
  retryAfterMs?: number;
}

/** The one error class that crosses a border; each border (HTTP, tRPC, Temporal, CLI) maps it once. */
export class PerdureError extends Error {
  readonly code: ErrorCode;
  readonly field: string | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(
    code: ErrorCode,
    message: string = ERRORS[code].title,
    options: PerdureErrorOptions = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'PerdureError';
    this.code = code;
    this.field = options.field;
    this.retryAfterMs = options.retryAfterMs;
  }

  get retryable(): boolean {
    return ERRORS[this.code].retryable;
  }

  toInfo(): ErrorInfo {
    return {
      code: this.code,
      message: this.message,
      retryable: this.retryable,
    };
  }
}
