/** The first thing in a text that looks like a version: `go1.26.8`, `temporal version 1.5.1 (Server …)`. */
export function parseVersion(text: string): number[] | undefined {
  return /(\d+)(?:\.(\d+))?(?:\.(\d+))?/
    .exec(text)
    ?.slice(1)
    .map((part) => Number(part ?? 0));
}

export function atLeast(version: readonly number[], oldest: readonly number[]): boolean {
  for (const [index, wanted] of oldest.entries()) {
    const part = version[index] ?? 0;
    if (part !== wanted) return part > wanted;
  }
  return true;
}
