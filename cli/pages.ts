/** Lists that the API gives page by page. */

interface Page<T> {
  readonly items: readonly T[];
  readonly nextCursor: string | null;
}

/** What the API gives at once. */
const MAX_PAGE = 200;

/** @returns the first `limit` of them, or all where there are fewer */
export async function upTo<T>(
  limit: number,
  pageOf: (page: {
    readonly cursor: string | undefined;
    readonly limit: number;
  }) => Promise<Page<T>>,
): Promise<readonly T[]> {
  const found: T[] = [];
  let cursor: string | undefined;
  do {
    const page = await pageOf({ cursor, limit: Math.min(limit - found.length, MAX_PAGE) });
    found.push(...page.items);
    cursor = page.nextCursor ?? undefined;
  } while (cursor && found.length < limit);
  return found;
}
