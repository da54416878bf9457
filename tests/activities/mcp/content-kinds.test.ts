import { describe, expect, it } from 'vitest';
import { partsWithFiles } from '../../../contracts/content.ts';
import { mcpStage } from './mcp-stage.ts';
import { gallery } from './servers.ts';

const file = (mediaType: string, more: object = {}) => ({ type: 'artifact', mediaType, ...more });
const text = (words: unknown) => ({ type: 'text', text: words });

describe('what a tool of an MCP server answers', () => {
  it('reaches the model once, in the form that says most', async () => {
    await using stage = await mcpStage({ art: gallery() });
    await stage.offersSome();
    const result = async (name: string): Promise<unknown> => {
      const settled = await stage.call(`art__${name}`);
      if (settled.outcome !== 'completed') throw new Error(JSON.stringify(settled));
      return settled.result;
    };
    // JSON that is there twice, plainly and as text.
    expect(await result('double')).toEqual({ a: 1, b: 2 });
    expect(await result('numbers')).toEqual([1, 2]);
    expect(await result('list')).toEqual({ result: [{ n: 1 }, 2] });
    // A text in a wrapping that only escapes its lines.
    expect(await result('wrapped')).toBe('two\nlines');
    expect(await result('wrapped_files')).toMatchObject([file('image/png', { bytes: 70 })]);
    // Two things that are said.
    expect(await result('apart')).toBe('It is warm.\n{"celsius":36}');
    expect(await result('silent')).toEqual({ celsius: 36 });
    // Texts that came as bytes are texts; what only says so is a file.
    expect(await result('notes')).toBe(
      'file:///a.json:\n{"a":1}\nfile:///b.md:\n# Ü\nfile:///c.txt:\nplain',
    );
    expect(await result('broken_text')).toMatchObject([file('text/plain', { name: 'd.txt' })]);
    expect(await result('sound')).toMatchObject([file('audio/wav', { bytes: 2 })]);
  });

  it('has a long text beside an image kept as a file, with its beginning and end', async () => {
    await using stage = await mcpStage({ art: gallery() });
    await stage.offersSome();
    const settled = await stage.call('art__report');
    expect(settled).toMatchObject({
      result: [
        text('{"dots":1}'),
        file('image/png'),
        text('A dot.'),
        text(expect.stringMatching(/^begin x+\n\[… \d+ characters left out …\]\nx+ end$/)),
        file('text/plain', { bytes: 20_010 }),
      ],
    });
    // As parts, of which a model is shown the image.
    expect(partsWithFiles(settled.outcome === 'completed' && settled.result)).toHaveLength(5);
  });

  it('is a failure in its own words, also where they are JSON, or where it wants to ask a person', async () => {
    await using stage = await mcpStage({ art: gallery() });
    await stage.offersSome();
    expect(await stage.call('art__failed_json')).toMatchObject({
      outcome: 'failed',
      error: { code: 'tool_failed', message: '{"reason":"no paper"}' },
    });
    expect(await stage.call('art__ask')).toMatchObject({
      outcome: 'failed',
      error: { code: 'tool_failed', message: expect.stringContaining('elicitation') },
    });
  });
});
