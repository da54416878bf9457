/** An error as a log line shows it: with everything that caused it. Pure. */

export interface SerializedError {
  readonly type: string;
  readonly message: string;
  readonly code?: string | number | undefined;
  readonly stack?: string | undefined;
  readonly cause?: SerializedError | undefined;
  /** Of an AggregateError. */
  readonly errors?: readonly SerializedError[] | undefined;
}

/** Deeper chains are loops that somebody built. */
const DEEPEST = 12;

export function serializeError(error: unknown, depth: number = DEEPEST): SerializedError {
  if (!(error instanceof Error)) return { type: typeof error, message: textOf(error) };
  const { code } = error as { code?: unknown };
  return {
    type: error.name,
    message: error.message,
    ...(typeof code === 'string' || typeof code === 'number' ? { code } : {}),
    stack: error.stack,
    ...(error.cause === undefined || depth === 0
      ? {}
      : { cause: serializeError(error.cause, depth - 1) }),
    ...(error instanceof AggregateError && depth > 0
      ? { errors: error.errors.map((inner) => serializeError(inner, depth - 1)) }
      : {}),
  };
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return String(value);
  }
}
