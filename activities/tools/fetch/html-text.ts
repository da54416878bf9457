/**
 * The text of a web page as one reads it: headings, paragraphs, lists, links; no scripts, styles or comments. One pass over the page, whatever
 * it is: pages are written by strangers. Pure.
 */
const SKIPPED = new Set([
  ...['script', 'style', 'noscript', 'template', 'svg', 'math', 'iframe', 'object', 'canvas'],
  ...['select', 'textarea'],
]);

const BLOCKS = new Set([
  ...['address', 'article', 'aside', 'blockquote', 'body', 'dd', 'details', 'div', 'dl', 'dt'],
  ...['fieldset', 'figure', 'figcaption', 'footer', 'form', 'header', 'hr', 'html', 'main', 'ol'],
  ...['p', 'pre', 'section', 'summary', 'table', 'title', 'tr', 'ul', 'li', 'br'],
  ...['h1', 'h2', 'h3', 'h4', 'h5', 'h6'],
]);

const PREFIX: Readonly<Record<string, string>> = {
  ...{ h1: '# ', h2: '## ', h3: '### ', h4: '#### ', h5: '##### ', h6: '###### ' },
  ...{ li: '- ', title: '# ' },
};

const NAMED: Readonly<Record<string, string>> = {
  ...{ amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: ' ', shy: '' },
  ...{ ndash: '–', mdash: '—', hellip: '…', laquo: '«', raquo: '»', bull: '•', middot: '·' },
  ...{ lsquo: '‘', rsquo: '’', ldquo: '“', rdquo: '”', copy: '©', reg: '®', trade: '™' },
  ...{ euro: '€', pound: '£', times: '×', deg: '°', sect: '§', para: '¶' },
};

function character(code: number): string {
  const isOne = code > 0 && code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff);
  return isOne ? String.fromCodePoint(code) : '\uFFFD';
}

const ENTITY = /&(#x[0-9a-f]{1,6}|#[0-9]{1,7}|[a-z]{2,8});/gi;

function decodeEntity(whole: string, name: string): string {
  if (/^#x/i.test(name)) return character(parseInt(name.slice(2), 16));
  if (name.startsWith('#')) return character(Number(name.slice(1)));
  return NAMED[name] ?? whole;
}

const decodeEntities = (text: string): string => text.replaceAll(ENTITY, decodeEntity);

interface Tag {
  readonly name: string;
  readonly closing: boolean;
  readonly attributes: string;
  /** Where the text after it begins. */
  readonly end: number;
}

const TAG = /<(\/?)([a-z][a-z0-9:-]{0,30})((?:"[^"]*"|'[^']*'|[^"'<>])*)>/iy;
/** A tag that is longer is none. */
const MAX_TAG_CHARACTERS = 4_096;

function tagAt(html: string, at: number): Tag | undefined {
  const found = html.slice(at, at + MAX_TAG_CHARACTERS);
  TAG.lastIndex = 0;
  const match = TAG.exec(found);
  if (!match) return undefined;
  const [whole, slash, name = '', attributes = ''] = match;
  return {
    name: name.toLowerCase(),
    closing: slash === '/',
    attributes,
    end: at + whole.length,
  };
}

/** Only links that lead somewhere else than within the page. */
function hrefOf(attributes: string, base: string): string | undefined {
  const match = /\bhref\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))/i.exec(attributes);
  const href = decodeEntities(match?.[1] ?? match?.[2] ?? match?.[3] ?? '').trim();
  if (href === '' || href.startsWith('#') || !URL.canParse(href, base)) return undefined;
  const url = new URL(href, base);
  return url.protocol === 'http:' || url.protocol === 'https:' ? url.href : undefined;
}

class Page {
  readonly #parts: string[] = [];
  readonly #base: string;
  /** Of the link that is open. */
  #href: string | undefined;
  #preformatted = 0;

  constructor(base: string) {
    this.#base = base;
  }

  text(raw: string): void {
    const text = decodeEntities(raw);
    this.#parts.push(this.#preformatted > 0 ? text : text.replaceAll(/\s+/g, ' '));
  }

  tag({ name, closing, attributes }: Tag): void {
    if (name === 'a') this.#link(closing, attributes);
    if (name === 'pre') this.#preformatted = Math.max(0, this.#preformatted + (closing ? -1 : 1));
    if (name === 'td' || name === 'th') this.#parts.push(closing ? ' | ' : '');
    if (!BLOCKS.has(name)) return;
    this.#parts.push('\n');
    if (!closing) this.#parts.push(PREFIX[name] ?? '');
  }

  #link(closing: boolean, attributes: string): void {
    if (!closing) {
      this.#href = hrefOf(attributes, this.#base);
      return;
    }
    if (this.#href !== undefined) this.#parts.push(` (${this.#href})`);
    this.#href = undefined;
  }

  toString(): string {
    return this.#parts
      .join('')
      .split('\n')
      .map((line) => line.trimEnd())
      .map((line) => (/^\s*(#+|-)?$/.test(line) ? '' : line.replace(/^ (?=\S)/, '')))
      .join('\n')
      .replaceAll(/\n{3,}/g, '\n\n')
      .trim();
  }
}

/** Where the element that was opened at `from` ends; the page's end where it does not. */
function afterElement(html: string, name: string, from: number): number {
  const close = new RegExp(`</${name}(?=[\\s/>])`, 'gi');
  close.lastIndex = from;
  const match = close.exec(html);
  if (!match) return html.length;
  const end = html.indexOf('>', match.index);
  return end < 0 ? html.length : end + 1;
}

function afterMarkup(html: string, at: number): number {
  const closing = html.startsWith('<!--', at) ? '-->' : '>';
  const end = html.indexOf(closing, at + 2);
  return end < 0 ? html.length : end + closing.length;
}

/** @param base where the page came from, for its links */
export function htmlText(html: string, base: string): string {
  const page = new Page(base);
  let at = 0;
  while (at < html.length) {
    const next = html.indexOf('<', at);
    if (next < 0) {
      page.text(html.slice(at));
      break;
    }
    if (next > at) page.text(html.slice(at, next));
    const tag = tagAt(html, next);
    if (tag) {
      page.tag(tag);
      const isSkipped = SKIPPED.has(tag.name) && !tag.closing && !tag.attributes.endsWith('/');
      at = isSkipped ? afterElement(html, tag.name, tag.end) : tag.end;
    } else if (/^<[!?/]/.test(html.slice(next, next + 2))) {
      at = afterMarkup(html, next);
    } else {
      page.text('<');
      at = next + 1;
    }
  }
  return page.toString();
}
