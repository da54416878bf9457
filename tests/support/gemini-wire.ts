/** Gemini's wire: `POST …/models/MODEL:streamGenerateContent?alt=sse`, as @google/genai of gemini-cli 0.61.0 reads it. */
import type { Frame, Wire, WireReply } from './model-wires.ts';

type Part = object;

const FINISH = {
  ...{ stop: 'STOP', length: 'MAX_TOKENS', content_filter: 'SAFETY' },
  ...{ error: 'OTHER', interrupted: 'OTHER' },
} as const satisfies Record<WireReply['finishReason'], string>;

function usageOf({ usage }: WireReply): object {
  if (!usage) return {};
  const { input, output, cached } = usage;
  return {
    usageMetadata: {
      promptTokenCount: input,
      candidatesTokenCount: output,
      cachedContentTokenCount: cached ?? 0,
      totalTokenCount: input + output,
    },
  };
}

function frames(reply: WireReply): Frame[] {
  const chunk = (parts: readonly Part[], more: object = {}): object => ({
    candidates: [{ index: 0, content: { role: 'model', parts }, ...more }],
    modelVersion: reply.model,
    responseId: reply.id,
  });
  const calls = reply.toolCalls.map(({ name, arguments: input }) => ({
    functionCall: { name, args: JSON.parse(input) as unknown },
  }));
  return [
    ...reply.reasoning.map((text) => ({ paced: true, data: chunk([{ thought: true, text }]) })),
    ...reply.tokens.map((text) => ({ paced: true, data: chunk([{ text }]) })),
    ...calls.map((call) => ({ paced: true, data: chunk([call]) })),
    {
      data: {
        ...chunk([{ text: '' }], { finishReason: FINISH[reply.finishReason] }),
        ...usageOf(reply),
      },
    },
  ];
}

const errorBody = (message: string, status: string): object => ({
  error: { code: 500, message, status },
});

export const geminiWire: Wire = {
  frames,
  error: (message, code) => ({ data: errorBody(message, code) }),
  errorBody,
};
