import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** Every Markdown file of the repository that a reader is meant to find, from the clone's root. */
export const documents = (): string[] => [
  'README.md',
  'CONTRIBUTING.md',
  ...readdirSync('docs', { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.md'))
    .map((path) => join('docs', path)),
];

export interface Block {
  readonly file: string;
  readonly language: string;
  readonly text: string;
  /** The comment on the line before: `<!-- run -->` gives `run`. */
  readonly mark: string | undefined;
}

const FENCE = /(?:<!-- *(\w+) *-->\n+)?```(\w*)[^\n]*\n([\s\S]*?)```/g;

/** The fenced blocks of a file. */
export const blocksOf = (file: string): Block[] =>
  Array.from(readFileSync(file, 'utf8').matchAll(FENCE), ([, mark, language = '', text = '']) => ({
    file,
    language,
    text,
    mark,
  }));

/** The targets of the links of a file, code left out. */
export const linksOf = (file: string): string[] =>
  Array.from(withoutCode(readFileSync(file, 'utf8')).matchAll(/\]\(([^)\s]+)\)/g), ([, target = '']) => target);

/** The anchors that GitHub gives to the headings of a file. */
export const anchorsOf = (file: string): string[] =>
  Array.from(readFileSync(file, 'utf8').matchAll(/^#+ (.+)$/gm), ([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .trim()
      .replaceAll(' ', '-'),
  );

const withoutCode = (text: string) => text.replaceAll(/```[\s\S]*?```/g, '').replaceAll(/`[^`\n]*`/g, '');
