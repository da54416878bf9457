import { describe, expect, it } from 'vitest';
import { htmlText } from '../../../activities/tools/fetch/html-text.ts';

const text = (html: string): string => htmlText(html, 'https://example.com/docs/');

describe('the text of a web page', () => {
  it('has its headings, paragraphs and lists', () => {
    expect(
      text('<html><body><h1>A  title</h1>\n<p>One\ntwo</p><ul><li>x</li><li>y</li></ul></body>'),
    ).toBe('# A title\n\nOne two\n\n- x\n\n- y');
  });

  it('names where links lead, but not those within the page', () => {
    expect(
      text(`<a href="a?b=1&amp;c">one</a> <a href=#x>two</a> <a href='javascript:x()'>three</a>`),
    ).toBe('one (https://example.com/docs/a?b=1&c) two three');
  });

  it('keeps the lines of code', () => {
    expect(text('<pre>if x:\n    y()\n</pre>')).toBe('if x:\n    y()');
  });

  it('shows cells of a row side by side', () => {
    expect(text('<table><tr><td>a</td><td>b</td></tr></table>')).toBe('a | b |');
  });

  it('leaves out scripts, styles and comments, closed or not', () => {
    const html =
      'a<script>x("</p>")</script>b<style>c{}</STYLE >d<!-- e > -->f<svg><text>g</text></svg>';
    expect(text(html)).toBe('abdf');
    expect(text('a<script>b')).toBe('a');
    expect(text('a<!-- b')).toBe('a');
    expect(text('a<scripty>b</scripty>')).toBe('ab');
  });

  it('decodes characters, once', () => {
    expect(text('&lt;b&gt; &amp;lt; &#65;&#x42; &unknown; &#0; &#xD800; &nbsp;.')).toBe(
      '<b> &lt; AB &unknown; \uFFFD \uFFFD .',
    );
  });

  it('is not confused by signs that are no tags', () => {
    expect(text('1 < 2 <3 a<b')).toBe('1 < 2 <3 a<b');
    expect(text('<a title="1 > 0">x</a>')).toBe('x');
  });

  it.each(['<', '<a', '<a "', '<!--', '<script>', '</', '&#', '<p>', '<a href="x">'])(
    'takes no longer for a page of %j than for another',
    (part) => {
      // What grows with the square of the length would take minutes here.
      expect(typeof text(part.repeat(300_000))).toBe('string');
    },
  );
});
