/** Server-sent events, as the WHATWG HTML standard defines the stream (section 9.2.6), cut anywhere. */

export interface SseMessage {
  /** `message` where the stream names no type. */
  readonly event: string;
  readonly data: string;
  /** Empty where the stream gave none so far. */
  readonly id: string;
}

export interface SseParser {
  /** Messages that `chunk` completed. A message that its connection cut off is never returned. */
  push(chunk: string): SseMessage[];
}

export function createSseParser(): SseParser {
  let rest = '';
  let pending = emptyFields();
  let lastId = '';

  const take = (line: string): SseMessage[] => {
    if (line !== '') {
      apply(pending, line);
      return [];
    }
    const { event, data, id } = pending;
    pending = emptyFields();
    lastId = id ?? lastId;
    return data.length === 0
      ? []
      : [{ event: event || 'message', data: data.join('\n'), id: lastId }];
  };

  return {
    push(chunk) {
      rest += chunk;
      // A CR at the very end may be the first half of CRLF: it waits for the next chunk.
      const end = rest.endsWith('\r') ? rest.length - 1 : rest.length;
      const lines = rest.slice(0, end).split(/\r\n|\n|\r/);
      rest = lines.pop()! + rest.slice(end);
      return lines.flatMap(take);
    },
  };
}

interface Fields {
  event: string;
  data: string[];
  id: string | undefined;
}

const emptyFields = (): Fields => ({ event: '', data: [], id: undefined });

/** A line that starts with a colon is a comment: the server's ping. */
function apply(fields: Fields, line: string): void {
  const colon = line.indexOf(':');
  if (colon === 0) return;
  const name = colon < 0 ? line : line.slice(0, colon);
  const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
  if (name === 'data') fields.data.push(value);
  if (name === 'event') fields.event = value;
  if (name === 'id' && !value.includes('\0')) fields.id = value;
}
