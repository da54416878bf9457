/** `fetch_url`: reads what is at a public address, for the model. */
import type { IncomingMessage } from 'node:http';
import { PerdureError } from '../../../contracts/perdure-error.ts';
import type { FetchSettings } from '../../../contracts/tool-settings.ts';
import { checkReadable, decode, mediaTypeOf, readBody } from './body.ts';
import type { MediaType } from './body.ts';
import { htmlText } from './html-text.ts';
import { requestHop } from './request.ts';
import type { Hop, Resolve } from './request.ts';
import { checkedUrl } from './web-rules.ts';

const MAX_REDIRECTS = 5;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

export interface FetchInput {
  readonly url: string;
  readonly method?: 'GET' | 'HEAD';
}

export interface Fetching {
  readonly settings: FetchSettings;
  readonly resolve: Resolve;
  readonly signal: AbortSignal;
}

interface Reached {
  readonly url: URL;
  readonly answer: IncomingMessage;
}

/** Each step is checked as the first one was. */
async function follow(start: URL, hop: Hop): Promise<Reached> {
  let url = start;
  for (let redirects = 0; ; redirects += 1) {
    const answer = await requestHop(url, hop);
    const { location } = answer.headers;
    if (!REDIRECTS.has(answer.statusCode ?? 0) || location === undefined) return { url, answer };
    answer.destroy();
    if (redirects === MAX_REDIRECTS)
      throw new PerdureError('tool_failed', `More than ${MAX_REDIRECTS} redirects.`);
    const next = checkedUrl(location, hop.rules, url);
    if (url.protocol === 'https:' && next.protocol === 'http:')
      throw new PerdureError('tool_denied', 'A redirect from https to http is not followed.');
    url = next;
  }
}

const isHtml = ({ name }: MediaType): boolean =>
  name === 'text/html' || name === 'application/xhtml+xml';

async function contentOf({ url, answer }: Reached, maxBytes: number): Promise<string> {
  const type = mediaTypeOf(answer);
  checkReadable(type);
  const body = await readBody(answer, maxBytes);
  const text = decode(body, type);
  const shown = isHtml(type) ? htmlText(text, url.href) : text;
  return body.truncated ? `${shown}\n[Only the first ${maxBytes} bytes were read.]` : shown;
}

const headline = ({ url, answer }: Reached): string =>
  [
    `${answer.statusCode} ${answer.statusMessage ?? ''}`.trim(),
    mediaTypeOf(answer).name || 'no type',
    url.href,
  ].join(' · ');

async function fetched(input: FetchInput, hop: Hop, maxBytes: number): Promise<string> {
  const reached = await follow(checkedUrl(input.url, hop.rules), hop);
  try {
    if (hop.method === 'HEAD') return headline(reached);
    return `${headline(reached)}\n\n${await contentOf(reached, maxBytes)}`;
  } finally {
    reached.answer.destroy();
  }
}

class TooLate extends Error {}

/**
 * @returns one line about the answer, and its text
 * @throws {PerdureError} `tool_denied` for what may not be fetched, `tool_failed` for what cannot be read
 */
export async function fetchUrl(input: FetchInput, fetching: Fetching): Promise<string> {
  const { settings, resolve, signal } = fetching;
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(new TooLate()), settings.totalMs);
  const hop: Hop = {
    method: input.method ?? 'GET',
    rules: settings,
    resolve,
    headersMs: settings.headersMs,
    signal: AbortSignal.any([signal, late.signal]),
  };
  try {
    return await fetched(input, hop, settings.maxBytes);
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    if (late.signal.aborted)
      throw new PerdureError('tool_failed', `Not done within ${settings.totalMs / 1_000} s.`);
    throw error;
  } finally {
    clearTimeout(timer);
  }
}
