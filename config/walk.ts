/** Looks into a zod schema: which keys it knows, and what each setting is called, means and defaults to. */
import { z } from 'zod';

type Schema = z.core.$ZodType;

export interface Described {
  readonly schema: Schema;
  readonly description: string | undefined;
  /** As written in the schema; undefined where there is none. */
  readonly fallback: unknown;
  readonly required: boolean;
}

/** Sees through `.default()`, `.prefault()`, `.optional()` and `.nullable()`. The outermost description wins. */
export function describeSchema(schema: Schema): Described {
  let current: Schema = schema;
  let description = descriptionOf(current);
  let fallback: unknown;
  let required = true;
  for (;;) {
    if (current instanceof z.ZodDefault || current instanceof z.ZodPrefault) {
      required = false;
      fallback ??= current.def.defaultValue;
    } else if (current instanceof z.ZodOptional) required = false;
    else if (!(current instanceof z.ZodNullable)) break;
    current = current.def.innerType;
    description ??= descriptionOf(current);
  }
  return { schema: current, description, fallback, required };
}

const descriptionOf = (schema: Schema): string | undefined =>
  z.globalRegistry.get(schema)?.description;

/** The schema of a key of an object, of any entry of a record, of any element of a list. */
export function childOf(schema: Schema, key: PropertyKey): Schema | undefined {
  const { schema: inner } = describeSchema(schema);
  if (inner instanceof z.ZodObject) return inner.shape[String(key)] as Schema | undefined;
  if (inner instanceof z.ZodRecord) return inner.def.valueType;
  if (inner instanceof z.ZodArray) return inner.def.element;
  return undefined;
}

/** The schema at a path; undefined where the path leads nowhere. */
export const schemaAt = (schema: Schema, path: readonly PropertyKey[]): Schema | undefined =>
  path.reduce<Schema | undefined>((at, key) => at && childOf(at, key), schema);

/** The keys an object may have; none for every other schema. */
export function keysOf(schema: Schema | undefined): readonly string[] {
  if (!schema) return [];
  const { schema: inner } = describeSchema(schema);
  return inner instanceof z.ZodObject ? Object.keys(inner.shape) : [];
}
