/** Turns what zod found into one sentence that names the field, what is wrong with its value and what is expected. */
import type { z } from 'zod';
import { ARTIFACT_ID } from '../contracts/content.ts';
import { expectedId, type IdPrefix } from '../contracts/ids.ts';
import type { ErrorCode } from '../contracts/errors.ts';

type Issue = z.core.$ZodIssue;

export interface Description {
  readonly code: ErrorCode;
  /** Path of the first wrong field, such as `content[2].text`; empty for the whole input. */
  readonly field: string;
  readonly message: string;
}

/** The first is described in full; how many more there are is said. */
export function describeIssues(issues: readonly Issue[]): Description {
  const [first] = issues;
  if (!first) return { code: 'invalid_input', field: '', message: 'The input is not valid.' };
  const { field, text } = describe(first);
  const more = issues.length > 1 ? ` (and ${issues.length - 1} more)` : '';
  const expected = expectedIdOf(first);
  if (expected !== undefined)
    return {
      code: 'invalid_id',
      field,
      message: `"${field}" is not a valid id: ${expected}.${more}`,
    };
  const where = field === '' ? 'The input' : `"${field}"`;
  return { code: 'invalid_input', field, message: `${where}: ${text}.${more}` };
}

function describe(issue: Issue): { field: string; text: string } {
  const field = pathOf(issue.path);
  if (issue.code === 'unrecognized_keys')
    return {
      field: pathOf([...issue.path, issue.keys[0] ?? '']),
      text: 'no such field here; leave it out or correct its name',
    };
  if (issue.code === 'invalid_union')
    return { field, text: allowedNames(issue) ?? alternatives(issue.errors) };
  return { field, text: issue.message.replace(/\.$/, '') };
}

/** A field whose value says which form the rest has. */
function allowedNames(issue: z.core.$ZodIssueInvalidUnion): string | undefined {
  const names = 'options' in issue ? (issue.options as readonly unknown[] | undefined) : undefined;
  if (!names || names.length === 0) return undefined;
  return `expected one of ${names.map((name) => JSON.stringify(name)).join(', ')}`;
}

/** None of several forms fitted: the ones whose form was recognised say most. */
function alternatives(errors: readonly (readonly Issue[])[]): string {
  const deeper = errors.filter((branch) => branch.some(({ path }) => path.length > 0));
  const shown = deeper.length > 0 ? deeper : errors;
  const texts = shown.map(([first]) => (first ? withPath(first) : ''));
  return [...new Set(texts)].filter(Boolean).join(', or ') || 'fits none of the allowed forms';
}

function withPath(issue: Issue): string {
  const { field, text } = describe(issue);
  return field === '' ? text : `at ${field}: ${text}`;
}

const pathOf = (path: readonly PropertyKey[]): string =>
  path
    .map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key).slice(0, 100)}`))
    .join('')
    .replace(/^\./, '');

/** The schemas of ids are patterns such as `^ses_[0-7]…$`; an artifact's says in its message what it expects. */
function expectedIdOf(issue: Issue): string | undefined {
  if (issue.code !== 'invalid_format' || issue.format !== 'regex') return undefined;
  const pattern = 'pattern' in issue ? String(issue.pattern) : '';
  if (pattern === String(ARTIFACT_ID)) return issue.message;
  const prefix = /^\/\^([a-z]+)_\[0-7\]/.exec(pattern)?.[1] as IdPrefix | undefined;
  return prefix && expectedId(prefix);
}
