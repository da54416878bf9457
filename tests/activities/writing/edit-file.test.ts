import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { alreadyEdited, applyEdits } from '../../../activities/tools/workspace/edits.ts';
import { writingTools } from '../../../activities/tools/workspace/writing-tools.ts';
import { newId } from '../../../contracts/ids.ts';
import { openWriter } from './writer.ts';

const failed = { code: 'tool_failed' };
const denied = { code: 'tool_denied' };

describe('edit_file', () => {
  it('replaces exact texts one after the other and answers with the diff', async () => {
    await using writer = await openWriter({ 'a.ts': 'let a = 1;\nlet b = 2;\n' });
    const diff = await writer.edit(
      'a.ts',
      { old: 'a = 1', new: 'a = 3' },
      { old: '= 3', new: '= 4' },
    );
    expect(diff).toBe(
      '--- a/a.ts\n+++ b/a.ts\n@@ -1,2 +1,2 @@\n-let a = 1;\n+let a = 4;\n let b = 2;\n',
    );
    expect(await readFile(path.join(writer.folder.workspace, 'a.ts'), 'utf8')).toBe(
      'let a = 4;\nlet b = 2;\n',
    );
  });

  it('shows a person the diff, and changes nothing', async () => {
    await using writer = await openWriter({ 'a.ts': 'one\n' });
    expect(await writer.previewEdit('a.ts', { old: 'one', new: 'two' })).toContain('-one\n+two');
    expect(await readFile(path.join(writer.folder.workspace, 'a.ts'), 'utf8')).toBe('one\n');
  });

  it.each([
    ['that does not occur', [{ old: 'z', new: 'y' }], '"z" does not occur'],
    ['that occurs twice', [{ old: 'x', new: 'y' }], '"x" occurs 2 times'],
    ['of nothing', [{ old: '', new: 'y' }], '"old" is empty'],
    ['into itself', [{ old: 'x', new: 'x' }], 'are the same'],
    [
      'that no longer fits',
      [
        { old: 'x x', new: 'y' },
        { old: 'x', new: 'z' },
      ],
      'edit 2: "x" does not',
    ],
  ])('refuses a replacement %s, and then makes none', async (_, edits, words) => {
    await using writer = await openWriter({ 'a.txt': 'x x\r\n' });
    const refusal = writer.edit('a.txt', ...edits);
    await expect(refusal).rejects.toMatchObject(failed);
    await expect(refusal).rejects.toThrow(words);
    expect(await readFile(path.join(writer.folder.workspace, 'a.txt'), 'utf8')).toBe('x x\r\n');
  });

  it('says why a text of several lines is not found where lines end otherwise', async () => {
    await using writer = await openWriter({ 'a.txt': 'x\r\ny\r\n' });
    await expect(writer.edit('a.txt', { old: 'x\ny', new: 'z' })).rejects.toThrow(
      'end with \\r\\n',
    );
  });

  it('keeps every byte that it does not replace', async () => {
    await using writer = await openWriter({ 'a.txt': '\uFEFFone\r\nü two' });
    await writer.edit('a.txt', { old: 'two', new: "$& $1 $'" });
    expect(await readFile(path.join(writer.folder.workspace, 'a.txt'), 'utf8')).toBe(
      "\uFEFFone\r\nü $& $1 $'",
    );
  });

  it('refuses what is no text in UTF-8, too large, or not there', async () => {
    await using writer = await openWriter({
      'latin1.txt': Buffer.from('caf\u00e9', 'latin1'),
      'a.bin': Buffer.from('a\0'),
      'big.txt': 'a'.repeat(1024 * 1024 + 1),
      'full.txt': 'a'.repeat(1024 * 1024),
    });
    for (const name of ['latin1.txt', 'a.bin', 'big.txt', 'missing.txt', '../outside/secret.txt'])
      await expect(writer.edit(name, { old: 'a', new: 'b', all: true })).rejects.toMatchObject(
        denied,
      );
    await expect(writer.edit('full.txt', { old: 'a', new: 'bb', all: true })).rejects.toMatchObject(
      failed,
    );
  });

  it('loses none of the edits of one file that a model asks for at once', async () => {
    const words = Array.from({ length: 20 }, (_, n) => `word${n};`);
    await using writer = await openWriter({ 'a.txt': words.join(' ') });
    const { workspace, home } = writer.folder;
    const edit = writingTools(home).find(({ name }) => name === 'edit_file')!;
    const run = (old: string) =>
      edit.execute({
        sessionId: newId('ses'),
        callId: newId('call'),
        name: 'edit_file',
        input: { path: 'a.txt', edits: [{ old, new: old.toUpperCase() }] },
        workspace,
        signal: new AbortController().signal,
        progress: () => undefined,
      });
    await Promise.all(words.map(run));
    expect(await readFile(path.join(workspace, 'a.txt'), 'utf8')).toBe(
      words.join(' ').toUpperCase(),
    );
  });

  it('tells after a crash whether it happened, or that the file does not tell', async () => {
    await using writer = await openWriter({ 'a.txt': 'one two' });
    const edit = { old: 'one', new: 'three' };
    expect(await writer.probe('a.txt', edit)).toEqual({ happened: false });
    await writer.edit('a.txt', edit);
    expect(await writer.probe('a.txt', edit)).toMatchObject({ happened: true });
    await writeFile(path.join(writer.folder.workspace, 'a.txt'), 'something else');
    expect(await writer.probe('a.txt', edit)).toBe('unknown');
    expect(await writer.probe('missing.txt', edit)).toBe('unknown');
    expect(alreadyEdited('a\nb', [{ old: 'a', new: 'a\nb' }])).toBe('unknown');
    expect(alreadyEdited('b', [{ old: 'a', new: '' }])).toBe('unknown');
  });

  it('never says that it happened before it did, nor that it did not once it has', () => {
    const word = fc.string({ unit: fc.constantFrom('a', 'b', ' '), maxLength: 6 });
    const edit = fc.record({ old: word, new: word, all: fc.boolean() });
    fc.assert(
      fc.property(word, fc.array(edit, { minLength: 1, maxLength: 3 }), (text, edits) => {
        const edited = applyEdits(text, edits);
        fc.pre(edited.ok);
        expect(alreadyEdited(text, edits)).not.toBe(true);
        expect(alreadyEdited(edited.text, edits)).not.toBe(false);
      }),
      { numRuns: 2_000 },
    );
  });
});
