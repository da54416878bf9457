import { readFile } from 'node:fs/promises';
import { ERROR_CODES, ERRORS } from '../contracts/errors.ts';
import type { ErrorCode } from '../contracts/errors.ts';
import type { GeneratedFile } from './generated-file.ts';

/** What stands below this line is written by hand and kept. */
const BY_HAND = '<!-- by hand -->';

/** One page for each error code: its head from the table in contracts/errors.ts, the rest kept as it is. */
export const ERROR_PAGES: readonly GeneratedFile[] = [
  ...ERROR_CODES.map((code) => ({ path: pathOf(code), content: () => page(code) })),
  { path: 'docs/errors/README.md', content: async () => overview() },
];

function pathOf(code: ErrorCode): string {
  return `docs/errors/${code}.md`;
}

async function page(code: ErrorCode): Promise<string> {
  const { title, status, retryable, advice } = ERRORS[code];
  const present = await readFile(pathOf(code), 'utf8').catch(() => '');
  const kept = present.split(BY_HAND)[1] ?? '\n## Cause\n\n(to be written)\n';
  return [
    `# \`${code}\`: ${title}`,
    '',
    `| HTTP status | same request again? | in short |`,
    `| --- | --- | --- |`,
    `| ${status ?? 'only in events'} | ${retryable ? 'yes, later' : 'no, change it first'} | ${advice} |`,
    '',
    BY_HAND + kept,
  ].join('\n');
}

function overview(): string {
  return [
    '# Error codes',
    '',
    'Every error that leaves a process carries one of these codes: in `code` of a problem+json answer (REST), in `data.code`',
    '(tRPC), in `error.code` of an event, in the exit message of the CLI. `retryable` says whether the same request may succeed later.',
    '',
    '| code | HTTP | retryable | meaning |',
    '| --- | --- | --- | --- |',
    ...ERROR_CODES.map((code) => {
      const { status, retryable, title } = ERRORS[code];
      return `| [${code}](${code}.md) | ${status ?? '–'} | ${retryable ? 'yes' : 'no'} | ${title} |`;
    }),
    '',
  ].join('\n');
}
