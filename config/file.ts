/** Reads perdure.yaml, and remembers on which line each setting stands. */
import { readFile } from 'node:fs/promises';
import { LineCounter, isNode, parseDocument } from 'yaml';
import { dotted } from './problems.ts';
import type { Problem } from './problems.ts';

export interface SettingsFile {
  /** Absolute; null where there is no file, which is allowed unless its path was given. */
  readonly path: string | null;
  readonly content: unknown;
  readonly problems: readonly Problem[];
  /** `perdure.yaml:12` for the nearest part of the path that the file has. */
  readonly sourceOf: (path: readonly PropertyKey[]) => string | undefined;
}

const ABSENT: SettingsFile = {
  path: null,
  content: {},
  problems: [],
  sourceOf: () => undefined,
};

export interface FileRequest {
  readonly path: string;
  /** How errors call it. */
  readonly name: string;
  /** Its path was given by a person, so its absence is a mistake. */
  readonly required: boolean;
}

export async function readSettingsFile(request: FileRequest): Promise<SettingsFile> {
  try {
    return parse(await readFile(request.path, 'utf8'), request);
  } catch (error) {
    if (!request.required && (error as NodeJS.ErrnoException).code === 'ENOENT') return ABSENT;
    const message = `cannot be read: ${(error as Error).message}`;
    return { ...ABSENT, problems: [{ path: '', source: request.name, message }] };
  }
}

function parse(text: string, { path, name }: FileRequest): SettingsFile {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const lineOf = (offset: number): string => `${name}:${lines.linePos(offset).line}`;
  if (document.errors.length > 0) {
    const problems = document.errors.map(({ message, pos }) => ({
      path: '',
      source: lineOf(pos[0]),
      message: `is not YAML: ${message}`,
    }));
    return { ...ABSENT, path, problems };
  }
  const sourceOf = (keys: readonly PropertyKey[]): string | undefined => {
    for (let length = keys.length; length > 0; length -= 1) {
      const node = document.getIn(keys.slice(0, length), true);
      if (isNode(node) && node.range) return lineOf(node.range[0]);
    }
    return undefined;
  };
  try {
    // An empty file, or one of comments only, parses as null.
    const content: unknown = document.toJS() ?? {};
    const circle = circleIn(content);
    if (!circle) return { path, content, problems: [], sourceOf };
    const message = 'is an alias of something that it is a part of; write out what you mean';
    const problem = { path: dotted(circle), source: sourceOf(circle), message };
    return { ...ABSENT, path, problems: [problem] };
  } catch (error) {
    // An alias of nothing, or so many that they would fill the memory.
    const message = `is not YAML: ${(error as Error).message}`;
    return { ...ABSENT, path, problems: [{ path: '', source: name, message }] };
  }
}

/** The path of the first value that contains itself. */
function circleIn(
  value: unknown,
  path: readonly PropertyKey[] = [],
  around: readonly unknown[] = [],
): readonly PropertyKey[] | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  if (around.includes(value)) return path;
  for (const [key, inner] of Object.entries(value)) {
    const at = Array.isArray(value) ? Number(key) : key;
    const found = circleIn(inner, [...path, at], [...around, value]);
    if (found) return found;
  }
  return undefined;
}
