import { PerdureError } from '../../../contracts/perdure-error.ts';
import type { ProbeAnswer } from '../executor.ts';
import { changes } from './changes.ts';
import { alreadyEdited, applyEdits } from './edits.ts';
import type { Edit } from './edits.ts';
import { editableVersionOf, MAX_EDITED_BYTES } from './file-version.ts';
import type { FileVersion } from './file-version.ts';
import { replaceFile } from './replace-file.ts';
import type { WorkspaceRun } from './run.ts';
import { targetOf } from './target.ts';
import type { Target } from './target.ts';

interface Input {
  readonly path: string;
  readonly edits: readonly Edit[];
}

interface Planned {
  readonly target: Target;
  readonly version: FileVersion & { readonly text: string };
  readonly after: string;
}

/** @throws {PerdureError} `tool_failed` naming the edit that does not fit */
async function plan(run: WorkspaceRun): Promise<Planned> {
  const { path, edits } = run.input as Input;
  const target = await targetOf(run, path);
  const version = await editableVersionOf(target);
  const edited = applyEdits(version.text, edits);
  const objection = edited.ok ? tooLarge(edited.text) : edited.problem;
  if (!edited.ok || objection !== undefined)
    throw new PerdureError('tool_failed', `"${target.shown}" was not changed: ${objection}.`);
  return { target, version, after: edited.text };
}

const tooLarge = (text: string): string | undefined =>
  Buffer.byteLength(text) > MAX_EDITED_BYTES
    ? `it would have more than ${MAX_EDITED_BYTES} bytes`
    : undefined;

const diffOf = ({ target, version, after }: Planned): string =>
  changes({ shown: target.shown, before: version.text, after });

export const previewEdit = async (run: WorkspaceRun): Promise<string> => diffOf(await plan(run));

export async function editFile(run: WorkspaceRun): Promise<string> {
  const planned = await plan(run);
  const { target, version, after } = planned;
  const { callId, signal } = run;
  await replaceFile(target, { text: after, from: version.stats, callId, signal });
  return diffOf(planned);
}

const ANSWERS = {
  true: { happened: true, result: 'The edit had been made before its worker went away.' },
  false: { happened: false },
  unknown: 'unknown',
} as const satisfies Record<string, ProbeAnswer>;

/** After a crash: whether the edit had happened, as far as the file tells. */
export async function probeEdit(run: WorkspaceRun): Promise<ProbeAnswer> {
  const { path, edits } = run.input as Input;
  try {
    const { text } = await editableVersionOf(await targetOf(run, path));
    return ANSWERS[`${alreadyEdited(text, edits)}`];
  } catch (error) {
    // The file is gone, or is another one: what was in it is not to be seen any more.
    if (error instanceof PerdureError) return 'unknown';
    throw error;
  }
}
