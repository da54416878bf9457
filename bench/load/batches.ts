/** How many requests the benches have under way at once while they set up: a queue of hundreds would measure itself. */
const AT_ONCE = 20;

/** Runs `work` for each item, a few at a time, and keeps their order. */
export async function inBatches<T, R>(
  items: readonly T[],
  work: (item: T, index: number) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  for (let start = 0; start < items.length; start += AT_ONCE) {
    const batch = items.slice(start, start + AT_ONCE);
    results.push(...(await Promise.all(batch.map((item, offset) => work(item, start + offset)))));
  }
  return results;
}
