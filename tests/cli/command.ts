// A `perdure` command run to its end, its input and output through pipes.
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';

const MAIN = fileURLToPath(new URL('../../cli/main.ts', import.meta.url));

export interface Ran {
  readonly exitCode: number | undefined;
  readonly out: string;
  readonly err: string;
}

export async function perdure(
  args: readonly string[],
  { input = '', ...options }: { env: Record<string, string>; input?: string; cwd?: string },
): Promise<Ran> {
  const ran = await execa(process.execPath, [MAIN, ...args], { ...options, input, reject: false });
  return { exitCode: ran.exitCode, out: ran.stdout, err: ran.stderr };
}

export const jsonLines = (out: string): Record<string, unknown>[] =>
  out
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Record<string, unknown>);
