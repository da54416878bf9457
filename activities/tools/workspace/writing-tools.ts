/** The tools that change files of the session's workspace. An agent has them only where it names them. */
import type { WorkerTool } from '../worker-tool.ts';
import { path } from './definitions.ts';
import { editFile, previewEdit, probeEdit } from './edit-file.ts';
import { inWorkspace } from './in-workspace.ts';
import { OneAtATime } from './one-at-a-time.ts';
import type { WorkspaceRun } from './run.ts';
import { targetOf } from './target.ts';
import { previewWrite, writeFile } from './write-file.ts';

/** A call's arguments may have 256 KiB in all. */
const MAX_CONTENT_CHARACTERS = 250_000;
const MAX_EDITS = 50;

const text = (description: string) => ({
  type: 'string',
  description,
  maxLength: MAX_CONTENT_CHARACTERS,
});

const EDIT = {
  type: 'object',
  properties: {
    old: {
      ...text('Text of the file, exactly; it must occur once, so name enough of its surroundings.'),
      minLength: 1,
    },
    new: text('What stands there instead.'),
    all: { type: 'boolean', description: 'Replace every occurrence.' },
  },
  required: ['old', 'new'],
  additionalProperties: false,
};

const WRITE_FILE = {
  name: 'write_file',
  description:
    'Writes a text file of the workspace as a whole: a new one, with the folders it lies in, or in place of what it contained.',
  inputSchema: {
    type: 'object',
    properties: { path: path('File'), content: text('All of the text.') },
    required: ['path', 'content'],
    additionalProperties: false,
  },
  // The same content once more is no change.
  effect: 'keyed',
} as const;

const EDIT_FILE = {
  name: 'edit_file',
  description:
    'Replaces texts in a text file of the workspace, one after the other, all of them or none. Answers with the changes as a unified diff.',
  inputSchema: {
    type: 'object',
    properties: {
      path: path('File'),
      edits: { type: 'array', items: EDIT, minItems: 1, maxItems: MAX_EDITS },
    },
    required: ['path', 'edits'],
    additionalProperties: false,
  },
  // A text that is added where it is found would be added twice; the probe looks for it.
  effect: 'never-retry',
} as const;

/** @param home Perdure's data folder, which the tools keep out of */
export function writingTools(home: string): readonly WorkerTool[] {
  const files = new OneAtATime();
  const alone = (work: (run: WorkspaceRun) => Promise<string>) => async (run: WorkspaceRun) => {
    const { absolute } = await targetOf(run, (run.input as { path: string }).path);
    return files.run(absolute, () => work(run));
  };
  return [
    {
      ...WRITE_FILE,
      needsWorkspace: true,
      execute: inWorkspace(home, alone(writeFile)),
      preview: inWorkspace(home, previewWrite),
    },
    {
      ...EDIT_FILE,
      needsWorkspace: true,
      execute: inWorkspace(home, alone(editFile)),
      preview: inWorkspace(home, previewEdit),
      probe: inWorkspace(home, probeEdit),
    },
  ];
}
