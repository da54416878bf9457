/**
 * The programs that Perdure knows: their protocols as seen on 2026-11-30 of claude 2.1.197, codex 0.171.0 and gemini 0.61.0 against a local
 * provider (tests/support/programs/seen/). Data only. A line of a kind that is not named here is passed over, so that a newer version of a
 * program goes on working.
 */
import type { CliProviderInput, PresetDescriptions } from './cli-providers.ts';

/** Said to the program as a JSON line; the process stays up for the next message. */
const CLAUDE_INTERRUPT = `${JSON.stringify({
  type: 'control_request',
  request_id: 'perdure-interrupt',
  request: { subtype: 'interrupt' },
})}\n`;

/** A delta of the main conversation; those of sub-agents name the tool call that they work for. */
const claudeDelta = (type: string) => ({
  type: 'stream_event',
  parent_tool_use_id: null,
  'event.type': 'content_block_delta',
  'event.delta.type': type,
});

const CLAUDE: CliProviderInput = {
  command: 'claude',
  args: [
    '-p',
    ...['--input-format', 'stream-json', '--output-format', 'stream-json'],
    ...['--include-partial-messages', '--verbose'],
  ],
  resumeArgs: [
    '-p',
    ...['--input-format', 'stream-json', '--output-format', 'stream-json'],
    ...['--include-partial-messages', '--verbose', '--resume', '{conversation}'],
  ],
  instructionsArgs: ['--append-system-prompt', '{instructions}'],
  process: 'session',
  env: ['ANTHROPIC_API_KEY', 'CLAUDE_CODE_OAUTH_TOKEN'],
  input: {
    template:
      '{"type":"user","session_id":"","parent_tool_use_id":null,"message":{"role":"user","content":[{"type":"text","text":{json}}]}}\n',
    end: false,
  },
  interrupt: CLAUDE_INTERRUPT,
  done: { by: 'line', when: { type: 'result' } },
  output: {
    format: 'json-lines',
    text: [
      {
        when: {
          type: 'stream_event',
          parent_tool_use_id: null,
          'event.type': 'content_block_start',
          'event.content_block.type': 'text',
        },
        take: 'event.content_block.text',
        block: true,
      },
      { when: claudeDelta('text_delta'), take: 'event.delta.text', block: false },
    ],
    whole: [{ when: { type: 'result', is_error: false }, take: 'result', block: false }],
    reasoning: [
      { when: claudeDelta('thinking_delta'), take: 'event.delta.thinking', block: false },
    ],
    error: [
      { when: { type: 'result', is_error: true }, take: 'result', block: false },
      { when: { type: 'result', is_error: true }, take: 'errors.0', block: false },
      { when: { type: 'result', is_error: true }, take: 'subtype', block: false },
    ],
    conversation: [{ when: { type: 'result' }, take: 'session_id', block: false }],
    usage: {
      when: { type: 'result' },
      inputTokens: [
        'usage.input_tokens',
        'usage.cache_creation_input_tokens',
        'usage.cache_read_input_tokens',
      ],
      outputTokens: ['usage.output_tokens'],
      cachedInputTokens: ['usage.cache_read_input_tokens'],
      costUsd: 'total_cost_usd',
      // Of the process since its start; the tokens are of the message alone.
      cumulative: 'cost',
    },
  },
  network: true,
};

const CODEX: CliProviderInput = {
  command: 'codex',
  args: ['exec', '--json', '--skip-git-repo-check', '-'],
  resumeArgs: ['exec', '--json', '--skip-git-repo-check', 'resume', '{conversation}', '-'],
  // Its own sandbox needs namespaces, which ours does not give: every command that it runs would fail.
  sandboxArgs: ['-c', 'sandbox_mode=danger-full-access'],
  process: 'command',
  // It takes no OPENAI_API_KEY from its environment.
  env: ['CODEX_API_KEY'],
  input: { template: '{message}', end: true },
  done: { by: 'exit' },
  output: {
    format: 'json-lines',
    text: [
      {
        when: { type: 'item.completed', 'item.type': 'agent_message' },
        take: 'item.text',
        block: true,
      },
    ],
    whole: [],
    reasoning: [
      {
        when: { type: 'item.completed', 'item.type': 'reasoning' },
        take: 'item.text',
        block: true,
      },
    ],
    // Not the lines of type "error": it says so too before it tries again.
    error: [{ when: { type: 'turn.failed' }, take: 'error.message', block: false }],
    conversation: [{ when: { type: 'thread.started' }, take: 'thread_id', block: false }],
    usage: {
      when: { type: 'turn.completed' },
      inputTokens: ['usage.input_tokens'],
      outputTokens: ['usage.output_tokens'],
      cachedInputTokens: ['usage.cached_input_tokens'],
      // Of the whole thread.
      cumulative: 'tokens',
    },
  },
  network: true,
};

const GEMINI: CliProviderInput = {
  command: 'gemini',
  // A directory that nobody has trusted by hand is refused otherwise (exit code 55).
  args: ['--output-format', 'stream-json', '--skip-trust'],
  resumeArgs: ['--output-format', 'stream-json', '--skip-trust', '--resume', '{conversation}'],
  process: 'command',
  // GOOGLE_API_KEY alone is not enough: GOOGLE_GENAI_USE_VERTEXAI=true says that it is to be taken.
  env: ['GEMINI_API_KEY', 'GOOGLE_API_KEY', 'GOOGLE_GENAI_USE_VERTEXAI'],
  // Not as an argument (-p): those are 128 KiB at most, and one that begins with a dash would be an option.
  input: { template: '{message}', end: true },
  // Not the exit: one that is told to end in mid-answer ends with exit code 0 too.
  done: { by: 'line', when: { type: 'result' } },
  output: {
    format: 'json-lines',
    text: [{ when: { type: 'message', role: 'assistant' }, take: 'content', block: false }],
    whole: [],
    reasoning: [],
    error: [
      { when: { type: 'result', status: 'error' }, take: 'error.message', block: false },
      { when: { type: 'result', status: 'error' }, take: 'status', block: false },
    ],
    conversation: [{ when: { type: 'init' }, take: 'session_id', block: false }],
    usage: {
      when: { type: 'result' },
      inputTokens: ['stats.input_tokens'],
      outputTokens: ['stats.output_tokens'],
      cachedInputTokens: ['stats.cached'],
      cumulative: 'nothing',
    },
  },
  network: true,
};

export const PRESETS: PresetDescriptions = { claude: CLAUDE, codex: CODEX, gemini: GEMINI };
