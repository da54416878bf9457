import { describe, expect, it } from 'vitest';
import type { ModelStepInput } from '../../contracts/activities.ts';
import type { Part } from '../../contracts/content.ts';
import type { ToolSettlement } from '../../contracts/tools.ts';
import { clientToolSchema } from '../../contracts/tools.ts';
import { scriptedModel } from '../../testing/scripted-model.ts';
import type { ScriptedAnswer, ScriptedRequest } from '../../testing/scripted-model.ts';
import { startModelServer } from '../support/model-server.ts';
import { png } from './png.ts';
import { FAMILIES, familyOn } from './provider-families.ts';
import type { Family } from './provider-families.ts';
import { nextStep, openStage } from './stage.ts';
import type { Stage } from './stage.ts';

const OWNER = { tenant: 'acme', user: 'ann' };
const TOOLS = [
  clientToolSchema.parse({
    name: 'screenshot',
    description: 'What is on the screen.',
    inputSchema: { type: 'object' },
  }),
];
const CALL = { name: 'screenshot', arguments: {} };

const IMAGE = png(2, 2);
const BASE64 = IMAGE.toString('base64');
const URL = `data:image/png;base64,${BASE64}`;

/** The model has asked for a screenshot; what its client answers is put into the transcript. @returns the step that reads it, and the call */
async function answered(stage: Stage, result: Extract<ToolSettlement, { outcome: 'completed' }>) {
  const first = stage.message('what is on the screen?');
  const asked = await stage.callModel(first);
  const call = asked.outcome === 'tool_calls' ? asked.calls[0] : undefined;
  if (!call) throw new Error(asked.outcome);
  const { sessionId, turn, step } = first;
  await stage.journal.ledger.answer(call.callId, result);
  const { callId } = call;
  await stage.journal.ledger.settle({ sessionId, turn, step, callId, giveUp: false });
  return { next: nextStep(first) satisfies ModelStepInput, callId };
}

interface As {
  readonly mediaType: string;
  readonly name?: string;
}
const stored = (stage: Stage, bytes: Uint8Array, as: As = { mediaType: 'image/png' }) =>
  stage.journal.artifacts.put(OWNER, bytes, as);

/** The results in the request, as each provider documents them. */
function resultsIn(family: Family, body: unknown): unknown {
  const { messages = [], input = [] } = body as Record<string, Record<string, unknown>[]>;
  if (family === 'openai') return input.find(({ type }) => type === 'function_call_output');
  if (family === 'anthropic') return messages.at(-1)?.['content'];
  return messages.find(({ role }) => role === 'tool');
}

type OnTheWire = Record<Family, (callId: string, text: string) => unknown>;

const SHOWN: OnTheWire = {
  // It takes text there: the model is told why it sees nothing.
  'openai-compatible': (tool_call_id, text) => ({
    role: 'tool',
    tool_call_id,
    content: `[The result is a file, image/png, 100 bytes, kept as ${text}; it cannot be shown: this provider takes images in messages of the person only.]`,
  }),
  openrouter: (tool_call_id, text) => ({
    role: 'tool',
    tool_call_id,
    name: 'screenshot',
    content: [
      { type: 'text', text: `[An image, kept as ${text}.]` },
      { type: 'image_url', image_url: { url: URL } },
    ],
  }),
  openai: (call_id, text) => ({
    type: 'function_call_output',
    call_id,
    output: [
      { type: 'input_text', text: `[An image, kept as ${text}.]` },
      { type: 'input_image', image_url: URL, detail: 'high' },
    ],
  }),
  anthropic: (tool_use_id, text) => [
    {
      type: 'tool_result',
      tool_use_id,
      content: [
        { type: 'text', text: `[An image, kept as ${text}.]` },
        { type: 'image', source: { type: 'base64', media_type: 'image/png', data: BASE64 } },
      ],
    },
  ],
};

describe.each(FAMILIES)('an image as the result of a tool, to the family %s', (family) => {
  it('is sent as its API wants it, or the model is told why not', async () => {
    await using server = await startModelServer();
    await using stage = await openStage({
      ...familyOn(server, family, { vision: true }),
      tools: TOOLS,
    });
    server.script({ toolCalls: [CALL] }, { text: 'A square.' });
    const artifact = await stored(stage, IMAGE);
    const { next, callId } = await answered(stage, { outcome: 'completed', artifact });
    expect((await stage.callModel(next)).outcome).toBe('completed');
    const { body } = server.requests[1] ?? {};
    expect(resultsIn(family, body)).toEqual(SHOWN[family](callId, artifact.artifact));
  });

  it('is only named where the model does not see', async () => {
    await using server = await startModelServer();
    await using stage = await openStage({
      ...familyOn(server, family, { vision: false }),
      tools: TOOLS,
    });
    server.script({ toolCalls: [CALL] }, { text: 'I cannot see it.' });
    const artifact = await stored(stage, IMAGE);
    const { next } = await answered(stage, { outcome: 'completed', artifact });
    expect((await stage.callModel(next)).outcome).toBe('completed');
    const sent = JSON.stringify(server.requests[1]?.body);
    expect(sent).toContain(`kept as ${artifact.artifact}; it cannot be shown.]`);
    expect(sent).not.toContain(BASE64);
  });
});

describe('a result', () => {
  const seeing = { vision: true, contextTokens: 10_000, maxOutputTokens: 200 };
  const shownIn = (prompt: unknown): number =>
    JSON.stringify(prompt).match(/"type":"file"/g)?.length ?? 0;

  it('of content parts shows its images where they stand, and reads its texts', async () => {
    const model = scriptedModel([{ calls: [{ name: 'screenshot', input: {} }] }, { text: 'ok' }], {
      settings: seeing,
    });
    await using stage = await openStage({ resolver: model.resolver, tools: TOOLS });
    const file = async (bytes: Uint8Array, mediaType: string, name: string): Promise<Part> => ({
      type: 'artifact',
      ...(await stored(stage, bytes, { mediaType, name })),
    });
    const parts: Part[] = [
      { type: 'text', text: 'before' },
      await file(IMAGE, 'image/png', 'a.png'),
      { type: 'text', text: '' },
      await file(Buffer.from('the notes '.repeat(2_000)), 'text/plain', 'notes.txt'),
      await file(Buffer.from('%PDF-1.7'), 'application/pdf', 'a.pdf'),
    ];
    const result = JSON.parse(JSON.stringify(parts)) as string[];
    const { next } = await answered(stage, { outcome: 'completed', result });
    await stage.callModel(next);
    const [part] = model.requests[1]?.prompt.at(-1)?.content ?? [];
    const output = typeof part === 'object' && part.type === 'tool-result' ? part.output : null;
    expect(output).toMatchObject({
      type: 'content',
      value: [
        { type: 'text', text: 'before' },
        { type: 'file', mediaType: 'image/png' },
        { type: 'text', text: expect.stringMatching(/^the notes .*characters left out/s) },
        { type: 'text', text: '[The file a.pdf, application/pdf, 8 bytes, cannot be shown.]' },
      ],
    });
    expect(JSON.stringify(output).length).toBeLessThan(10_000);
  });

  it('of content parts without an image is read as their text; other JSON stays as it is', async () => {
    const odd = [{ type: 'artifact', of: 'another kind' }, null];
    const model = scriptedModel([], { settings: seeing });
    await using stage = await openStage({ resolver: model.resolver, tools: TOOLS });
    const notes = await stored(stage, Buffer.from('the notes'), { mediaType: 'text/plain' });
    const read = async (result: unknown): Promise<string> => {
      model.add({ calls: [{ name: 'screenshot', input: {} }] }, { text: 'ok' });
      const { next } = await answered(stage, { outcome: 'completed', result: result as string });
      await stage.callModel(next);
      return JSON.stringify(model.requests.at(-1)?.prompt.at(-1)?.content);
    };
    expect(await read([{ type: 'artifact', ...notes }])).toContain('"value":"the notes"');
    expect(await read(odd)).toContain(JSON.stringify(JSON.stringify(odd)));
  });

  it('counts its image against the window, as one in a message: the oldest gives way', async () => {
    // Summaries come in between.
    const reply = ({ prompt }: ScriptedRequest): ScriptedAnswer =>
      JSON.stringify(prompt.at(-1)?.content).startsWith('[{"type":"text","text":"what is')
        ? { calls: [{ name: 'screenshot', input: {} }] }
        : { text: 'ok' };
    const model = scriptedModel(
      Array.from({ length: 12 }, () => reply),
      { settings: seeing },
    );
    await using stage = await openStage({ resolver: model.resolver, tools: TOOLS });
    for (let n = 0; n < 3; n++) {
      const artifact = await stored(stage, png(4_000, 4_000 + n));
      const { next } = await answered(stage, { outcome: 'completed', artifact });
      expect((await stage.callModel(next)).outcome).toBe('completed');
      expect(shownIn(model.requests.at(-1)?.prompt)).toBe(1);
    }
  });
});
