/** Reads the entries of a server's list, each by itself: one that is malformed does not take the others with it. */
import { z } from 'zod';
import { hideIn } from './hide.ts';
import { listingOf } from './manifest.ts';
import type { ListedTool, Listing, RefusedTool } from './manifest.ts';

const schemaOfObject = z.looseObject({ type: z.literal('object') });

const listedToolSchema: z.ZodType<ListedTool> = z.looseObject({
  name: z.string().min(1),
  title: z.string().optional(),
  description: z.string().optional(),
  inputSchema: schemaOfObject,
  // Servers of the newer protocol may answer with any JSON.
  outputSchema: z.looseObject({}).optional(),
  annotations: z
    .looseObject({
      readOnlyHint: z.boolean().optional(),
      destructiveHint: z.boolean().optional(),
      idempotentHint: z.boolean().optional(),
      openWorldHint: z.boolean().optional(),
    })
    .optional(),
  execution: z.looseObject({}).optional(),
});

const nameOf = (entry: unknown): string => {
  const { name } = (entry ?? {}) as { name?: unknown };
  return typeof name === 'string' ? name : '(without a name)';
};

/** The server would not know the tool by the name that is left. */
const TELLING_NAME = 'name: has a secret in it that the server was given';

/** @param secrets what the server was given: nothing of it is kept, offered, logged or hashed */
export function readListing(
  server: string,
  entries: readonly unknown[],
  secrets: readonly string[],
): Listing {
  const tools: ListedTool[] = [];
  const malformed: RefusedTool[] = [];
  for (const told of entries) {
    const entry = hideIn(told, secrets);
    const { data, error } = listedToolSchema.safeParse(entry);
    if (nameOf(entry) !== nameOf(told))
      malformed.push({ name: nameOf(entry).slice(0, 128), reason: TELLING_NAME });
    else if (data) tools.push(data);
    else malformed.push({ name: nameOf(entry).slice(0, 128), reason: reasonOf(error) });
  }
  const { manifest, refused } = listingOf(server, tools);
  return { manifest, refused: [...malformed, ...refused] };
}

function reasonOf(error: z.ZodError | undefined): string {
  const [issue] = error?.issues ?? [];
  return `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'is malformed'}`.slice(0, 500);
}
