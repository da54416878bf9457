/** Which methods each path takes: tells a wrong method from a wrong path. */
export class KnownPaths {
  readonly #routes: { readonly path: RegExp; readonly methods: readonly string[] }[] = [];

  /** @param url as routes are written: `:name` is one segment, `*` the rest */
  add(url: string, method: string | readonly string[]): void {
    // Every path answers preflights; that makes none of them known.
    const methods = [method].flat().filter((each) => each !== 'OPTIONS');
    if (methods.length > 0) this.#routes.push({ path: patternOf(url), methods });
  }

  /** Empty where the path is unknown. */
  methodsOf(path: string): string[] {
    const fitting = this.#routes.filter((route) => route.path.test(path));
    return [...new Set(fitting.flatMap(({ methods }) => methods))].toSorted();
  }
}

const patternOf = (url: string): RegExp =>
  new RegExp(`^${url.split('/').map(segmentOf).join('/')}$`);

function segmentOf(segment: string): string {
  if (segment.startsWith(':')) return '[^/]+';
  return segment === '*' ? '.*' : segment.replaceAll(/[^\w-]/g, String.raw`\$&`);
}
