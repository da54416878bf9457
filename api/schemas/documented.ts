import { z } from 'zod';
import { embeddable } from '../openapi/json-schema.ts';

/**
 * An output that we made ourselves, of any size: described by `schema` in OpenAPI, not checked on each answer, which would cost more than
 * making it. Tests check the answers against it instead.
 */
export function documented<T>(id: string, schema: z.ZodType): z.ZodCustom<T, T> {
  const json = embeddable(schema, 'draft-2020-12');
  return z.custom<T>().meta({ id, override: json });
}
