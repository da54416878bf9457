import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { imageOf, imageTokens } from '../../activities/model/context/image.ts';
import { seesImages } from '../../activities/model/context/seen-images.ts';
import type { CallableModel } from '../../activities/model/providers.ts';
import type { ModelStepInput } from '../../contracts/activities.ts';
import type { Part } from '../../contracts/content.ts';
import { modelSchema } from '../../contracts/settings.ts';
import { scriptedModel } from '../../testing/scripted-model.ts';
import { png } from './png.ts';
import { FAMILIES, familyOn } from './provider-families.ts';
import type { Family } from './provider-families.ts';
import { startModelServer } from '../support/model-server.ts';
import { openStage } from './stage.ts';
import type { Stage } from './stage.ts';

const jpeg = (width: number, height: number): Buffer => {
  const frame = Buffer.from('ffc0001108000000000300000000000000000000', 'hex');
  frame.writeUInt16BE(height, 5);
  frame.writeUInt16BE(width, 7);
  return Buffer.concat([Buffer.from('ffd8ffe000104a46494600010100000100010000ffff', 'hex'), frame]);
};

const gif = (width: number, height: number): Buffer => {
  const bytes = Buffer.alloc(40);
  bytes.write('GIF89a', 'latin1');
  bytes.writeUInt16LE(width, 6);
  bytes.writeUInt16LE(height, 8);
  return bytes;
};

function webp(form: 'VP8X' | 'VP8 ' | 'VP8L' | 'VP8?', width: number, height: number): Buffer {
  const bytes = Buffer.alloc(40);
  bytes.write('RIFF\0\0\0\0WEBP', 'latin1');
  bytes.write(form, 12, 'latin1');
  if (form === 'VP8X') {
    bytes.writeUIntLE(width - 1, 24, 3);
    bytes.writeUIntLE(height - 1, 27, 3);
  } else if (form === 'VP8 ') {
    bytes.writeUInt16LE(width, 26);
    bytes.writeUInt16LE(height, 28);
  } else bytes.writeUInt32LE(((height - 1) << 14) | (width - 1), 21);
  return bytes;
}

const OWNER = { tenant: 'acme', user: 'ann' };

interface File {
  readonly bytes: Uint8Array;
  readonly mediaType: string;
  readonly name?: string;
}

async function asking(stage: Stage, text: string, files: readonly File[]): Promise<ModelStepInput> {
  const input = stage.message(text);
  const parts = await Promise.all(
    files.map(async ({ bytes, ...as }): Promise<Part> => ({
      type: 'artifact',
      ...(await stage.journal.artifacts.put(OWNER, bytes, as)),
    })),
  );
  const content: Part[] = [{ type: 'text', text }, ...parts];
  return { ...input, messages: [{ messageId: input.turn, content, policy: 'enqueue' }] };
}

const IMAGE = png(2, 2);
const BASE64 = IMAGE.toString('base64');
const URL = `data:image/png;base64,${BASE64}`;

/** The person's message as each provider documents it. */
const ON_THE_WIRE: Record<Family, unknown> = {
  'openai-compatible': {
    role: 'user',
    content: [
      { type: 'text', text: 'what is this?' },
      { type: 'image_url', image_url: { url: URL } },
    ],
  },
  openrouter: {
    role: 'user',
    content: [
      { type: 'text', text: 'what is this?' },
      { type: 'image_url', image_url: { url: URL } },
    ],
  },
  openai: {
    role: 'user',
    content: [
      { type: 'input_text', text: 'what is this?' },
      { type: 'input_image', image_url: URL, detail: 'high' },
    ],
  },
  anthropic: {
    role: 'user',
    content: [
      { type: 'text', text: 'what is this?' },
      { type: 'image', source: { type: 'base64', media_type: 'image/png', data: BASE64 } },
    ],
  },
};

interface Sent {
  readonly messages?: readonly { readonly role: string }[];
  readonly input?: readonly { readonly role: string }[];
}

const userIn = (body: unknown): unknown => {
  const { messages, input } = body as Sent;
  return (messages ?? input)?.findLast(({ role }) => role === 'user');
};

describe.each(FAMILIES)('an image in a message to the family %s', (family) => {
  it('is sent as its API wants it', async () => {
    await using server = await startModelServer();
    await using stage = await openStage(familyOn(server, family, { vision: true }));
    const file = { bytes: IMAGE, mediaType: 'image/jpeg', name: 'a.jpg' };
    const input = await asking(stage, 'what is this?', [file]);
    expect((await stage.callModel(input)).outcome).toBe('completed');
    expect(userIn(server.requests[0]?.body)).toEqual(ON_THE_WIRE[family]);
  });

  it('is only named where the model does not see', async () => {
    await using server = await startModelServer();
    await using stage = await openStage(familyOn(server, family, { vision: false }));
    const file = { bytes: IMAGE, mediaType: 'image/png', name: 'a.png' };
    const input = await asking(stage, 'what is this?', [file]);
    expect((await stage.callModel(input)).outcome).toBe('completed');
    const sent = JSON.stringify(server.requests[0]?.body);
    expect(sent).toContain('[The file a.png, image/png, 100 bytes, cannot be shown.]');
    expect(sent).not.toContain(BASE64);
  });
});

describe('files in a message', () => {
  const promptOf = (model: ReturnType<typeof scriptedModel>): string =>
    JSON.stringify(model.requests.at(-1)?.prompt.at(-1));

  it('are shown where the model can read them, else named: text, and what is no image, is damaged or too large', async () => {
    const model = scriptedModel([{ text: 'ok' }], { settings: { vision: true } });
    await using stage = await openStage({ resolver: model.resolver });
    const input = await asking(stage, 'look', [
      { bytes: Buffer.from('the notes'), mediaType: 'text/plain', name: 'notes.txt' },
      { bytes: Buffer.from('%PDF-1.7'), mediaType: 'application/pdf', name: 'a.pdf' },
      { bytes: Buffer.from('no image at all, but long enough'), mediaType: 'image/png', name: 'b' },
      { bytes: png(8_001, 10), mediaType: 'image/png', name: 'wide' },
      { bytes: png(10, 10, 3_750_001), mediaType: 'image/png', name: 'heavy' },
      { bytes: png(10, 10), mediaType: 'image/png', name: 'good' },
    ]);
    await stage.callModel(input);
    const prompt = promptOf(model);
    expect(prompt).toContain('the notes');
    for (const name of ['a.pdf, application/pdf', 'b, image/png', 'wide, image', 'heavy, image'])
      expect(prompt).toContain(`The file ${name}`);
    expect(prompt).not.toContain('The file good');
    expect(prompt.match(/"type":"file"/g)).toHaveLength(1);
  });

  it('beyond twenty images: the newest are shown', async () => {
    const model = scriptedModel([{ text: 'ok' }], {
      settings: { vision: true, contextTokens: 1_000_000 },
    });
    await using stage = await openStage({ resolver: model.resolver });
    const files = Array.from({ length: 25 }, (_, n) => ({
      bytes: png(10, 10 + n),
      mediaType: 'image/png',
      name: `image-${n}`,
    }));
    await stage.callModel(await asking(stage, 'look', files));
    expect(promptOf(model).match(/"type":"file"/g)).toHaveLength(20);
    expect(promptOf(model)).toContain('image-24');
  });

  it('count against the window: an earlier image gives way, one that does not fit fails its own turn only', async () => {
    const model = scriptedModel([], {
      settings: { vision: true, contextTokens: 10_000, maxOutputTokens: 200 },
    });
    model.add(...Array.from({ length: 8 }, () => ({ text: 'ok' })));
    await using stage = await openStage({ resolver: model.resolver });
    const big = (n: number) => ({ bytes: png(4_000, 4_000 + n), mediaType: 'image/png' });
    for (let n = 0; n < 3; n++)
      expect((await stage.callModel(await asking(stage, `look ${n}`, [big(n)]))).outcome).toBe(
        'completed',
      );
    const shown = model.requests.map(
      ({ prompt }) => JSON.stringify(prompt).match(/"type":"file"/g)?.length ?? 0,
    );
    expect(Math.max(...shown)).toBe(1);
    expect(shown.at(-1)).toBe(1);
    expect(await stage.callModel(await asking(stage, 'both', [big(8), big(9)]))).toMatchObject({
      outcome: 'failed',
      error: { code: 'context_too_long' },
    });
    expect((await stage.callModel(stage.message('without'))).outcome).toBe('completed');
  });
});

describe('an image', () => {
  it.each([
    ['image/png', png(640, 480)],
    ['image/jpeg', jpeg(640, 480)],
    ['image/gif', gif(640, 480)],
    ['image/webp', webp('VP8X', 640, 480)],
    ['image/webp', webp('VP8 ', 640, 480)],
    ['image/webp', webp('VP8L', 640, 480)],
  ])('%s tells its size', (mediaType, bytes) => {
    expect(imageOf(bytes)).toEqual({ mediaType, width: 640, height: 480 });
  });

  it('that is cut off, empty or something else is none', () => {
    for (const bytes of [
      Buffer.alloc(0),
      png(5, 5).subarray(0, 20),
      png(0, 5),
      webp('VP8?', 5, 5),
      jpeg(5, 5).subarray(0, 30),
      Buffer.from('just text that is long enough to be looked at'),
    ])
      expect(imageOf(bytes)).toBeUndefined();
  });

  it('is read from any bytes without a fault', () => {
    const heads = [png(1, 1), jpeg(1, 1), gif(1, 1), webp('VP8X', 1, 1)];
    fc.assert(
      fc.property(fc.constantFrom(...heads), fc.nat(40), fc.uint8Array(), (head, at, tail) => {
        imageOf(Buffer.concat([head.subarray(0, at), tail]));
      }),
    );
  });

  it('has no fewer tokens than the formulas of its providers say', () => {
    const anthropic = (w: number, h: number) =>
      Math.min(4_784, Math.ceil(w / 28) * Math.ceil(h / 28));
    const patches = (w: number, h: number) =>
      2.46 * Math.min(2_500, Math.ceil(w / 32) * Math.ceil(h / 32));
    const tiles = (w: number, h: number) => {
      const fit = Math.min(1, 2_048 / Math.max(w, h));
      const short = Math.min(1, 768 / Math.min(w * fit, h * fit));
      const side = (pixels: number) => Math.ceil((pixels * fit * short) / 512);
      return 85 + 170 * side(w) * side(h);
    };
    const side = fc.integer({ min: 1, max: 8_000 });
    fc.assert(
      fc.property(side, side, (width, height) => {
        for (const formula of [anthropic, patches, tiles])
          expect(imageTokens({ width, height })).toBeGreaterThanOrEqual(formula(width, height));
      }),
    );
  });
});

describe('a model', () => {
  const sees = (kind: CallableModel['kind'], model: string, vision?: boolean): boolean =>
    seesImages({ kind, settings: modelSchema.parse({ provider: 'p', model, vision }) });

  it('sees where it is configured to, or known to', () => {
    expect(sees('openai', 'gpt-5.4-mini')).toBe(true);
    expect(sees('openrouter', 'anthropic/claude-sonnet-4-6')).toBe(true);
    expect(sees('openrouter', 'meta-llama/llama-3')).toBe(false);
    expect(sees('openai-compatible', 'gpt-5.4-mini')).toBe(false);
    expect(sees('openai-compatible', 'llava', true)).toBe(true);
    expect(sees('anthropic', 'claude-sonnet-4-6', false)).toBe(false);
    expect(sees('demo', 'demo')).toBe(false);
  });
});
