// What is too large for an event or a message is read all the same.
import { expect, test, vi } from 'vitest';
import { createPerdureClient } from '../../../client/index.ts';
import { startFixture } from '../../api/support/fixture.ts';
import { words } from '../../client/conversation.ts';
import { perdure } from '../command.ts';
import { openTerminal } from '../terminal.ts';

// The command starts anew, on machines that do other things too.
vi.setConfig({ testTimeout: 240_000 });

test('a transcript has long answers and long messages whole, and names files', async () => {
  await using product = await startFixture({ worker: true });
  using client = createPerdureClient({ url: product.url });
  const { session } = await client.start();
  const pasted = 'line '.repeat(8_000);
  const name = 'notes.txt';
  const headers = { 'content-type': 'text/plain' };
  const upload = { method: 'POST', headers, body: 'in a file' };
  const uploaded = await fetch(`${product.url}/api/artifacts?name=${name}`, upload);
  await session.sendAndWait([
    {
      type: 'artifact',
      ...((await uploaded.json()) as { artifact: string; mediaType: string; bytes: number }),
    },
    { type: 'text', text: pasted },
    { type: 'text', text: '#long tokens=4000' },
  ]);
  const env = { PERDURE_URL: product.url };
  const { out } = await perdure(['sessions', 'transcript', session.id], { env });
  expect(out).toContain(`> [${name}]\n${pasted}\n#long tokens=4000\n`);
  expect(out).toContain(words('long', 4_000).trimEnd());
});

test('a chat prints an answer too large for an event once', async () => {
  await using product = await startFixture({ worker: true });
  const env = { PERDURE_URL: product.url };
  const { out } = await perdure(['chat'], { env, input: '#long tokens=4000\n' });
  expect(out.trimEnd()).toBe(words('long', 4_000).trimEnd());
});

test('a chat that goes on with a session shows what was said in a long message', async () => {
  await using product = await startFixture({ worker: true });
  using client = createPerdureClient({ url: product.url });
  const { session } = await client.start();
  const pasted = `${'line '.repeat(8_000)}end of it`;
  await session.sendAndWait(`#first tokens=2 ${pasted}`);
  await using terminal = openTerminal(['chat', '--session', session.id], {
    PERDURE_URL: product.url,
  });
  await terminal.sees('end of it');
  await terminal.sees('first-2');
  await terminal.sees('› ');
  await session.sendAndWait(`#second tokens=2 ${pasted.replace('of it', 'of the other')}`);
  await terminal.sees('end of the other');
  await terminal.sees('second-2');
});
