/** Query strings and path segments are text: here they become what the procedure's schema expects. */
import { z } from 'zod';

type Kind = 'number' | 'boolean' | 'text';
export type Kinds = ReadonlyMap<string, Kind>;

/** The fields of a procedure's input that are not text. */
export function kindsOf(schema: unknown): Kinds {
  if (schema instanceof z.ZodPrefault) return kindsOf(schema.unwrap());
  if (!(schema instanceof z.ZodObject)) return new Map();
  const fields = Object.entries<z.ZodType>(schema.shape);
  return new Map(fields.map(([name, field]) => [name, kindOf(field)]));
}

function kindOf(field: z.ZodType): Kind {
  if (field instanceof z.ZodOptional || field instanceof z.ZodDefault)
    return kindOf(field.unwrap() as z.ZodType);
  if (field instanceof z.ZodNumber) return 'number';
  return field instanceof z.ZodBoolean ? 'boolean' : 'text';
}

/** What cannot be converted stays as it is, so that the schema can say what is wrong with it. */
export function coerce(
  kinds: Kinds,
  values: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const entries = Object.entries(values).map(([name, value]) => [
    name,
    convert(kinds.get(name), value),
  ]);
  return Object.fromEntries(entries) as Record<string, unknown>;
}

function convert(kind: Kind | undefined, value: unknown): unknown {
  if (typeof value !== 'string') return value;
  if (kind === 'number') return /^-?\d+(\.\d+)?$/.test(value) ? Number(value) : value;
  if (kind === 'boolean' && (value === 'true' || value === 'false')) return value === 'true';
  return value;
}
