/** An HTTP answer that is not a success, as an error that says no more than a person needs. */
import { retryAfterMs } from '../retry-after.ts';
import { Answered } from './failure.ts';

const MAX_BODY_CHARACTERS = 16_384;
const MAX_DESCRIPTION = 200;

/** @throws {Answered} unless the answer is a success */
export async function requireSuccess(response: Response): Promise<void> {
  if (response.ok) return;
  const body = await bodyOf(response);
  const { error, error_description: description } = body;
  throw new Answered({
    status: response.status,
    // OAuth's codes are words; anything else there is not one of them.
    code: typeof error === 'string' && /^[a-z_]{1,64}$/.test(error) ? error : undefined,
    description:
      typeof description === 'string' ? description.slice(0, MAX_DESCRIPTION) : undefined,
    retryAfterMs: retryAfterMs(Object.fromEntries(response.headers), Date.now()),
  });
}

async function bodyOf(response: Response): Promise<Record<string, unknown>> {
  try {
    const body: unknown = JSON.parse(await beginningOf(response));
    return typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

/** Whoever answers decides how much: a page of an error of somebody's proxy, or no end of it. */
async function beginningOf({ body }: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of body ?? []) {
    text += decoder.decode(chunk as Uint8Array, { stream: true });
    if (text.length > MAX_BODY_CHARACTERS) break;
  }
  return text;
}
