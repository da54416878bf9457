import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createSseParser } from '../../client/events/sse-parser.ts';

const parse = (...chunks: string[]) => {
  const parser = createSseParser();
  return chunks.flatMap((chunk) => parser.push(chunk));
};

describe('the stream’s syntax', () => {
  test.each([
    ['joins lines of data', 'data: a\ndata: b\n\n', [{ event: 'message', data: 'a\nb', id: '' }]],
    ['removes one leading space only', 'data:  a\n\n', [{ event: 'message', data: ' a', id: '' }]],
    [
      'takes CR, LF and CRLF for line ends',
      'data: a\r\rdata: b\r\n\r\ndata: c\n\n',
      ['a', 'b', 'c'],
    ],
    ['leaves out comments and unknown fields', ': ping\n\nretry: 5\ndata: a\nx: y\n\n', ['a']],
    ['keeps an id until the next one', 'id: 7\ndata: a\n\ndata: b\n\n', [{ id: '7' }, { id: '7' }]],
    [
      'ignores an id with a NUL',
      'id: 7\ndata: a\n\nid: 8\0\ndata: b\n\n',
      [{ id: '7' }, { id: '7' }],
    ],
    ['knows types', 'event: tick\ndata: a\n\n', [{ event: 'tick' }]],
    ['gives nothing for an event without data', 'event: tick\n\n', []],
    ['gives nothing for an event that was cut off', 'data: a\n', []],
    ['takes a field without a colon as empty', 'data\n\n', [{ data: '' }]],
  ])('%s', (_, stream, expected) => {
    const messages = parse(stream);
    expect(messages.length).toBe(expected.length);
    expected.forEach((want, index) =>
      expect(messages[index]).toMatchObject(typeof want === 'string' ? { data: want } : want),
    );
  });

  test('means the same however it is cut into chunks', () => {
    const pieces = fc.constantFrom(
      'data: a',
      'id: 1',
      ': c',
      'event: e',
      '\r',
      '\n',
      '\r\n',
      'data',
    );
    fc.assert(
      fc.property(fc.array(pieces), fc.array(fc.nat(200)), (lines, cuts) => {
        const stream = lines.join('');
        const at = [
          ...new Set([0, ...cuts.map((cut) => cut % (stream.length + 1)), stream.length]),
        ];
        const sorted = at.toSorted((a, b) => a - b);
        const chunks = sorted.slice(1).map((end, index) => stream.slice(sorted[index], end));
        expect(parse(...chunks, '\n')).toEqual(parse(stream, '\n'));
      }),
    );
  });
});
