import type { Report } from './cache.ts';

/** One way to get a program. It answers a path, or says in one line why this way did not work. */
export interface Link {
  readonly tried: string;
  readonly find: () => Promise<Found>;
  /** It takes seconds or minutes, so that the person is told what was looked for before. */
  readonly slow?: boolean;
}

export type Found = { readonly path: string } | { readonly reason: string };

/** Every way was tried; the message lists them all, then what a person can do. */
export class ServerNotFound extends Error {
  override readonly name = 'ServerNotFound';
}

export interface Chain {
  readonly program: string;
  readonly links: readonly Link[];
  /** Lines that each name one thing a person can do. */
  readonly remedies: readonly string[];
  readonly report: Report;
}

/** The path given by the first link that works. */
export async function firstThatWorks(chain: Chain): Promise<string> {
  const failures: string[] = [];
  let told = 0;
  const tell = () => {
    for (const failure of failures.slice(told)) chain.report(`${chain.program}: ${failure}`);
    told = failures.length;
  };
  for (const link of chain.links) {
    if (link.slow) tell();
    const found = await link.find().catch((error: unknown) => ({ reason: firstLine(error) }));
    if ('path' in found) return found.path;
    failures.push(`${link.tried}: ${found.reason}`);
  }
  throw new ServerNotFound(
    [
      `No way to get the ${chain.program} worked:`,
      ...failures.map((line) => `  - ${line}`),
      'Do one of these and start again:',
      ...chain.remedies.map((line) => `  - ${line}`),
    ].join('\n'),
  );
}

function firstLine(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.split('\n')[0] ?? message;
}
