/** What a result's structured content says beside its other content: most servers send the same twice, and a model reads it once. Pure. */
import { canonicalJson } from './manifest.ts';

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

const isJson = (text: string, value: unknown): boolean =>
  text === value || canonicalJson(parsed(text) ?? null) === canonicalJson(value);

/** Many servers put what is no object into one: `{ result: … }`, `{ content: … }`. */
function unwrapped(structured: unknown): unknown {
  if (typeof structured !== 'object' || structured === null) return structured;
  const [first, ...rest] = Object.values(structured);
  return rest.length === 0 ? first : structured;
}

const isEach = (texts: readonly string[], values: unknown): boolean =>
  Array.isArray(values) &&
  values.length === texts.length &&
  texts.every((text, index) => isJson(text, values[index]));

export interface Said {
  /** All blocks, as the server sent them. */
  readonly content: readonly unknown[];
  readonly texts: readonly string[];
  readonly structured: unknown;
}

/** `nothing`: there is no other text. `text`: it only wraps the text. `json`: the text is its JSON. `more`: it says something else. */
export type Beside = 'nothing' | 'text' | 'json' | 'more';

export function structuredBeside({ content, texts, structured }: Said): Beside {
  const inner = unwrapped(structured);
  if (typeof inner === 'string' && texts.join('\n') === inner) return 'text';
  // Files, too.
  if (canonicalJson(inner) === canonicalJson(content)) return 'text';
  if (texts.length === 0) return 'nothing';
  const isDouble =
    (texts.length === 1 && [structured, inner].some((value) => isJson(texts[0]!, value))) ||
    isEach(texts, inner);
  return isDouble ? 'json' : 'more';
}
