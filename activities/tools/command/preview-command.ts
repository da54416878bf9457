import path from 'node:path';

export interface CommandInput {
  readonly command: string;
  readonly path?: string | undefined;
  readonly timeoutSeconds?: number | undefined;
}

/** For the person who is asked: the command as it is, and where. */
export function previewCommand(input: CommandInput): string {
  return `in ${path.posix.normalize(input.path ?? '.')}:\n${input.command}`;
}
