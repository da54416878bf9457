/** How a scripted reply looks on the wire of each provider family: the SSE frames, in order. */

export interface ScriptedUsage {
  readonly input: number;
  readonly output: number;
  readonly cached?: number;
}

export interface WireReply {
  readonly model: string;
  /** Unique a request: part of the ids that a provider makes up. */
  readonly id: string;
  readonly reasoning: readonly string[];
  readonly tokens: readonly string[];
  readonly toolCalls: readonly {
    readonly name: string;
    /** JSON text, or whatever else the model is to send. */
    readonly arguments: string;
  }[];
  /** The last two are known to the chat families only. */
  readonly finishReason: 'stop' | 'length' | 'content_filter' | 'error' | 'interrupted';
  readonly usage: ScriptedUsage | null;
}

/** One SSE frame; `paced` frames are a token each and wait for the token delay. */
export interface Frame {
  readonly event?: string;
  readonly data: unknown;
  readonly paced?: boolean;
}

export interface Wire {
  frames(reply: WireReply): Frame[];
  /** What this provider sends for an error in mid-stream. */
  error(message: string, code: string): Frame;
  /** The body of an HTTP error. */
  errorBody(message: string, code: string): unknown;
}

const openAiUsage = (usage: ScriptedUsage) => ({
  prompt_tokens: usage.input,
  completion_tokens: usage.output,
  total_tokens: usage.input + usage.output,
  prompt_tokens_details: { cached_tokens: usage.cached ?? 0 },
});

function chatFrames(reply: WireReply): Frame[] {
  const chunk = (delta: object, finish: string | null = null, extra: object = {}) => ({
    id: reply.id,
    object: 'chat.completion.chunk',
    created: 1_700_000_000,
    model: reply.model,
    choices: [{ index: 0, delta, finish_reason: finish }],
    ...extra,
  });
  const paced = (data: unknown): Frame => ({ data, paced: true });
  const calls = reply.toolCalls.map((call, index) =>
    paced(
      chunk({
        tool_calls: [
          {
            index,
            id: `${reply.id}_${index}`,
            type: 'function',
            function: { name: call.name, arguments: call.arguments },
          },
        ],
      }),
    ),
  );
  const finish = calls.length > 0 ? 'tool_calls' : reply.finishReason;
  return [
    { data: chunk({ role: 'assistant', content: '' }) },
    ...reply.reasoning.map((text) => paced(chunk({ reasoning: text }))),
    ...reply.tokens.map((text) => paced(chunk({ content: text }))),
    ...calls,
    { data: chunk({}, finish) },
    ...(reply.usage
      ? [
          {
            data: {
              ...chunk({}),
              choices: [],
              usage: openAiUsage(reply.usage),
            },
          },
        ]
      : []),
    { data: '[DONE]' },
  ];
}

const openAiErrorBody = (message: string, code: string) => ({
  error: { message, code, type: code, param: null },
});

/** `POST …/chat/completions`: OpenAI-compatible servers and OpenRouter. */
export const chatWire: Wire = {
  frames: chatFrames,
  error: (message, code) => ({ data: { error: { message, code } } }),
  errorBody: openAiErrorBody,
};

function responseItems(reply: WireReply): Frame[] {
  const message = { type: 'message', id: `msg_${reply.id}`, role: 'assistant' };
  const part = { type: 'output_text', text: reply.tokens.join(''), annotations: [] };
  const text: Frame[] =
    reply.tokens.length === 0
      ? []
      : [
          {
            data: {
              type: 'response.output_item.added',
              output_index: 0,
              item: { ...message, status: 'in_progress', content: [] },
            },
          },
          ...reply.tokens.map((delta) => ({
            paced: true,
            data: {
              type: 'response.output_text.delta',
              item_id: message.id,
              output_index: 0,
              content_index: 0,
              delta,
            },
          })),
          {
            data: {
              type: 'response.output_item.done',
              output_index: 0,
              item: { ...message, status: 'completed', content: [part] },
            },
          },
        ];
  const calls = reply.toolCalls.flatMap((call, index): Frame[] => {
    const item = {
      type: 'function_call',
      id: `fc_${reply.id}_${index}`,
      call_id: `${reply.id}_${index}`,
      name: call.name,
    };
    const output_index = index + 1;
    return [
      {
        data: {
          type: 'response.output_item.added',
          output_index,
          item: { ...item, arguments: '' },
        },
      },
      {
        paced: true,
        data: {
          type: 'response.function_call_arguments.delta',
          item_id: item.id,
          output_index,
          delta: call.arguments,
        },
      },
      {
        data: {
          type: 'response.output_item.done',
          output_index,
          item: { ...item, arguments: call.arguments, status: 'completed' },
        },
      },
    ];
  });
  return [...text, ...calls];
}

function responsesFrames(reply: WireReply): Frame[] {
  const usage = reply.usage ?? { input: 0, output: 0 };
  const response = {
    id: `resp_${reply.id}`,
    created_at: 1_700_000_000,
    model: reply.model,
    usage: {
      input_tokens: usage.input,
      input_tokens_details: { cached_tokens: usage.cached ?? 0 },
      output_tokens: usage.output,
      output_tokens_details: { reasoning_tokens: 0 },
      total_tokens: usage.input + usage.output,
    },
  };
  const cut = reply.finishReason !== 'stop';
  const reason = reply.finishReason === 'length' ? 'max_output_tokens' : 'content_filter';
  return [
    { data: { type: 'response.created', response } },
    ...responseItems(reply),
    {
      data: cut
        ? {
            type: 'response.incomplete',
            response: { ...response, incomplete_details: { reason } },
          }
        : { type: 'response.completed', response },
    },
  ];
}

/** `POST …/responses`: OpenAI itself. */
export const responsesWire: Wire = {
  frames: responsesFrames,
  error: (message, code) => ({
    data: {
      type: 'error',
      sequence_number: 9,
      error: { type: code, code, message, param: null },
    },
  }),
  errorBody: openAiErrorBody,
};

function anthropicBlock(index: number, start: object, deltas: readonly object[]): Frame[] {
  const frame = (type: string, rest: object, paced = false): Frame => ({
    event: type,
    paced,
    data: { type, index, ...rest },
  });
  return [
    frame('content_block_start', { content_block: start }),
    ...deltas.map((delta) => frame('content_block_delta', { delta }, true)),
    frame('content_block_stop', {}),
  ];
}

function anthropicFrames(reply: WireReply): Frame[] {
  const usage = reply.usage ?? { input: 0, output: 0 };
  const blocks: Array<(index: number) => Frame[]> = [];
  if (reply.reasoning.length > 0)
    blocks.push((index) =>
      anthropicBlock(index, { type: 'thinking', thinking: '', signature: '' }, [
        ...reply.reasoning.map((thinking) => ({
          type: 'thinking_delta',
          thinking,
        })),
        { type: 'signature_delta', signature: `sig-${reply.id}` },
      ]),
    );
  if (reply.tokens.length > 0)
    blocks.push((index) =>
      anthropicBlock(
        index,
        { type: 'text', text: '' },
        reply.tokens.map((text) => ({ type: 'text_delta', text })),
      ),
    );
  reply.toolCalls.forEach((call, n) =>
    blocks.push((index) =>
      anthropicBlock(
        index,
        {
          type: 'tool_use',
          id: `toolu_${reply.id}_${n}`,
          name: call.name,
          input: {},
        },
        [{ type: 'input_json_delta', partial_json: call.arguments }],
      ),
    ),
  );
  const stop =
    reply.toolCalls.length > 0
      ? 'tool_use'
      : {
          stop: 'end_turn',
          length: 'max_tokens',
          content_filter: 'refusal',
          error: 'error',
          interrupted: 'interrupted',
        }[reply.finishReason];
  const start = {
    type: 'message_start',
    message: {
      id: reply.id,
      type: 'message',
      role: 'assistant',
      model: reply.model,
      content: [],
      stop_reason: null,
      stop_sequence: null,
      usage: {
        input_tokens: usage.input - (usage.cached ?? 0),
        cache_read_input_tokens: usage.cached ?? 0,
        output_tokens: 0,
      },
    },
  };
  const end = {
    type: 'message_delta',
    delta: { stop_reason: stop, stop_sequence: null },
    usage: { output_tokens: usage.output },
  };
  return [
    { event: 'message_start', data: start },
    ...blocks.flatMap((block, index) => block(index)),
    { event: 'message_delta', data: end },
    { event: 'message_stop', data: { type: 'message_stop' } },
  ];
}

/** `POST …/messages`: Anthropic. */
export const anthropicWire: Wire = {
  frames: anthropicFrames,
  error: (message, code) => ({
    event: 'error',
    data: { type: 'error', error: { type: code, message } },
  }),
  errorBody: (message, code) => ({
    type: 'error',
    error: { type: code, message },
  }),
};
