import { changes } from './changes.ts';
import type { Change } from './changes.ts';
import { versionOf } from './file-version.ts';
import type { FileVersion } from './file-version.ts';
import { replaceFile } from './replace-file.ts';
import type { WorkspaceRun } from './run.ts';
import { targetOf } from './target.ts';
import type { Target } from './target.ts';

interface Input {
  readonly path: string;
  readonly content: string;
}

const changeOf = (
  { shown }: Target,
  version: FileVersion | undefined,
  { content }: Input,
): Change => ({
  shown,
  before: version && (version.text ?? null),
  after: content,
});

export async function previewWrite(run: WorkspaceRun): Promise<string> {
  const input = run.input as Input;
  const target = await targetOf(run, input.path);
  return changes(changeOf(target, await versionOf(target), input)) || 'changes nothing';
}

/** Harmless to repeat: the same content once more is no change. */
export async function writeFile(run: WorkspaceRun): Promise<string> {
  const input = run.input as Input;
  const target = await targetOf(run, input.path);
  const version = await versionOf(target);
  const { callId, signal } = run;
  if (version?.text === input.content) return `"${target.shown}" has this content already.`;
  await replaceFile(target, { text: input.content, from: version?.stats, callId, signal });
  const bytes = Buffer.byteLength(input.content);
  return version
    ? changes(changeOf(target, version, input))
    : `"${target.shown}" was created, ${bytes} bytes.`;
}
