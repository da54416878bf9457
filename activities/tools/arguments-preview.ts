/**
 * What a call that runs elsewhere, at a runner or a client, would do: told from its arguments alone, because whoever sees the file is not asked
 * before a person has said yes. Pure.
 */
import { z } from 'zod';
import { previewCommand } from './command/preview-command.ts';

const pathOfFile = z.string().min(1);

/** The arguments of the tools of these names as ours take them, and nothing else: what a preview does not show, it would hide. */
const EDIT = z.strictObject({
  path: pathOfFile,
  edits: z
    .array(z.strictObject({ old: z.string(), new: z.string(), all: z.boolean().optional() }))
    .min(1),
});
const WRITE = z.strictObject({ path: pathOfFile, content: z.string() });
const COMMAND = z.strictObject({
  command: z.string().min(1),
  path: z.string().optional(),
  timeoutSeconds: z.number().optional(),
});

/** @returns undefined where the arguments have to speak for themselves */
export function argumentsPreview(name: string, input: unknown): string | undefined {
  if (name === 'edit_file') return shownAs(EDIT, input, editText);
  if (name === 'write_file') return shownAs(WRITE, input, writeText);
  return name === 'run_command' ? shownAs(COMMAND, input, previewCommand) : undefined;
}

function shownAs<T>(schema: z.ZodType<T>, input: unknown, text: (known: T) => string) {
  const { success, data } = schema.safeParse(input);
  return success ? text(data) : undefined;
}

/** A unified diff without the numbers of the lines: where the texts stand is not known here. */
function editText({ path, edits }: z.output<typeof EDIT>): string {
  const hunks = edits.flatMap(({ old, new: by, all = false }, index) => {
    const where = all ? 'everywhere this text stands' : 'where this text stands';
    const which = edits.length > 1 ? `edit ${index + 1} of ${edits.length}, ` : '';
    return [`@@ ${which}${where} @@`, ...changedLines(old, by)];
  });
  return [`--- a/${shown(path)}`, `+++ b/${shown(path)}`, ...hunks, ''].join('\n');
}

const writeText = ({ path, content }: z.output<typeof WRITE>): string =>
  [
    `+++ b/${shown(path)}`,
    `@@ all of the file, whatever it holds now${content === '' ? ': nothing' : ''} @@`,
    ...linesOf(content).map((line) => `+${bare(line)}`),
    '',
  ].join('\n');

/** A line end in a path would look like a line of the diff. */
const shown = (path: string): string => (/[\p{C}\p{Z}]/u.test(path) ? JSON.stringify(path) : path);

/** With their line ends. */
const linesOf = (text: string): string[] => (text === '' ? [] : text.split(/(?<=\n)/));
const bare = (line: string): string => (line.endsWith('\n') ? line.slice(0, -1) : line);

/** Lines that stay as they are, around those that do not. */
const CONTEXT = 3;

function changedLines(before: string, after: string): string[] {
  const [old, now] = [linesOf(before), linesOf(after)];
  const shorter = Math.min(old.length, now.length);
  let head = 0;
  while (head < shorter && old[head] === now[head]) head += 1;
  let tail = 0;
  while (tail < shorter - head && old.at(-1 - tail) === now.at(-1 - tail)) tail += 1;
  // Of two texts that end in mid-line nothing is to be said; of one, it is the change.
  const tellEnds = before.endsWith('\n') !== after.endsWith('\n');
  const told = (mark: string) => (line: string) =>
    tellEnds && !line.endsWith('\n')
      ? [`${mark}${line}`, '\\ without a line end']
      : [`${mark}${bare(line)}`];
  return [
    ...old.slice(Math.max(0, head - CONTEXT), head).flatMap(told(' ')),
    ...old.slice(head, old.length - tail).flatMap(told('-')),
    ...now.slice(head, now.length - tail).flatMap(told('+')),
    ...now.slice(now.length - tail, now.length - tail + Math.min(tail, CONTEXT)).flatMap(told(' ')),
  ];
}
