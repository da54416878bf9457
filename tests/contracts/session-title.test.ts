import { expect, test } from 'vitest';
import type { Part } from '../../contracts/content.ts';
import { newId } from '../../contracts/ids.ts';
import { EMPTY_SESSION, foldSession } from '../../contracts/projections/session.ts';
import { numbered } from './event-logs.ts';

const text = (text: string): Part[] => [{ type: 'text', text }];
const file = (name?: string): Part[] => [
  {
    ...{ type: 'artifact', artifact: `sha256_${'0'.repeat(64)}`, mediaType: 'a/b', bytes: 1 },
    ...(name === undefined ? {} : { name }),
  },
];

const titleAfter = (...messages: readonly Part[][]) =>
  numbered(
    messages.map((content) => ({
      type: 'message.accepted',
      data: { messageId: newId('msg'), content, policy: 'enqueue' },
    })),
  ).reduce(foldSession, EMPTY_SESSION).details.title;

test.each<[what: string, messages: Part[][], title: string | undefined]>([
  ['the first message', [text('What is\n  here?'), text('And there?')], 'What is here?'],
  ['the name of a file', [[...file('plan.pdf'), ...text('Read it.')]], 'plan.pdf Read it.'],
  ['the first message that says anything', [file(), text('Look')], 'Look'],
  ['nothing where nothing was said', [], undefined],
  ['80 characters whole', [text('ü'.repeat(80))], 'ü'.repeat(80)],
  ['79 characters of a longer one', [text('😀'.repeat(200))], `${'😀'.repeat(79)}…`],
])('a session is called by %s', (_, messages, title) => {
  expect(titleAfter(...messages)).toBe(title);
});
