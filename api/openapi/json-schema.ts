import { z } from 'zod';

type Json = Record<string, unknown>;

/** Where zod puts what refers to itself; in a larger document these references would lead nowhere. */
const OWN_DEFINITIONS = /^#\/(\$defs|definitions)\//;

/** A schema that can be put anywhere into another document. Only `z.json()` refers to itself: it means any JSON, which is what `{}` says. */
export function embeddable(schema: z.ZodType, target: 'draft-7' | 'draft-2020-12'): Json {
  const json = z.toJSONSchema(schema, { target, io: 'output', unrepresentable: 'any' });
  const { $schema: _, $defs: __, definitions: ___, ...rest } = json as Json;
  return withoutOwnReferences(rest) as Json;
}

function withoutOwnReferences(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutOwnReferences);
  if (typeof value !== 'object' || value === null) return value;
  const { $ref } = value as Json;
  if (typeof $ref === 'string' && OWN_DEFINITIONS.test($ref)) return {};
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, withoutOwnReferences(inner)]),
  );
}
