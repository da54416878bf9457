/** What a request to the model server asks, whichever provider family's it is. */
import { geminiWire } from './gemini-wire.ts';
import { anthropicWire, chatWire, responsesWire } from './model-wires.ts';
import type { Wire } from './model-wires.ts';

type Content = { role?: string; type?: string; content?: unknown; parts?: unknown };

export type RequestBody = {
  model?: string;
  messages?: Content[];
  /** OpenAI responses. */
  input?: Content[];
  /** Gemini. */
  contents?: Content[];
};

const textOf = ({ content, parts = content }: Content): string =>
  typeof parts === 'string'
    ? parts
    : Array.isArray(parts)
      ? parts.map((part: { text?: string }) => part.text ?? '').join('')
      : '';

const isPerson = (message: Content): boolean => message.role === 'user' && textOf(message) !== '';

/** The last message of a person, and whether something follows it. */
export function lastUser(body: RequestBody): { text: string; answered: boolean } {
  const messages = body.messages ?? body.input ?? body.contents ?? [];
  const index = messages.findLastIndex(isPerson);
  const last = messages[index];
  // claude puts words of the system behind the person's.
  const answered = messages.slice(index + 1).some(({ role }) => role !== 'system');
  return { text: last ? textOf(last) : '', answered: index >= 0 && answered };
}

/** Gemini names it in the path. */
export const modelOf = (path: string, body: RequestBody): string =>
  body.model ?? /\/models\/([^/:]+):/.exec(path)?.[1] ?? '';

/** By the end of the request's path. */
export function wireFor(path: string): Wire | undefined {
  if (path.endsWith('/chat/completions')) return chatWire;
  if (path.endsWith('/responses')) return responsesWire;
  if (path.endsWith('/messages')) return anthropicWire;
  if (path.endsWith(':streamGenerateContent')) return geminiWire;
  return undefined;
}
