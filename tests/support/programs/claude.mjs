// Speaks the protocol of `claude -p --input-format stream-json --output-format stream-json`, and answers by a script. Its lines have the
// shapes in seen/.
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

const KNOWN = new Set(['-p', '--include-partial-messages', '--verbose']);
const VALUED = new Set(['--input-format', '--output-format', '--resume', '--append-system-prompt']);
const options = {};
for (let at = 2; at < process.argv.length; at += 1) {
  const arg = process.argv[at];
  if (VALUED.has(arg)) options[arg] = process.argv[(at += 1)];
  else if (!KNOWN.has(arg)) {
    console.error(`error: unknown option '${arg}'`);
    process.exit(1);
  }
}
if (options['--input-format'] !== 'stream-json' || options['--output-format'] !== 'stream-json')
  process.exit(1);

const session_id = options['--resume'] ?? '11111111-2222-4333-8444-555555555555';
const say = (line) => process.stdout.write(`${JSON.stringify({ session_id, ...line })}\n`);
const event = (inner, parent_tool_use_id = null) =>
  say({ type: 'stream_event', event: inner, parent_tool_use_id, uuid: 'u' });
let turns = 0;
let cost = 0;
let interrupted = false;

async function block(text) {
  event({ type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } });
  for (const word of text.split(/(?<= )/)) {
    if (interrupted) return;
    event({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: word } });
    await sleep(2);
  }
  event({ type: 'content_block_stop', index: 0 });
}

const usage = {
  input_tokens: 10,
  cache_creation_input_tokens: 20,
  cache_read_input_tokens: 70,
  output_tokens: 5,
};

function result(subtype, more) {
  cost += 0.25;
  const base = { type: 'result', subtype, num_turns: 1, duration_ms: 1 };
  say({ ...base, total_cost_usd: cost, usage, ...more });
}

async function answer(text) {
  turns += 1;
  interrupted = false;
  say({ type: 'system', subtype: 'init', model: 'claude', tools: [] });
  if (text === 'fail')
    return result('error_during_execution', { is_error: true, errors: ['overloaded'] });
  if (text === 'refuse') return result('success', { is_error: true, result: 'Invalid API key' });
  if (text === 'key')
    return result('success', { is_error: false, result: `${process.env.ANTHROPIC_API_KEY}` });
  if (text === 'whole') return result('success', { is_error: false, result: 'said at once' });
  if (text === 'die') process.exit(3);
  if (text === 'forever') {
    await block(`endless ${'word '.repeat(100_000)}`);
    if (interrupted)
      return result('error_during_execution', { is_error: true, errors: ['interrupted'] });
  }
  event({ type: 'message_start', message: { role: 'assistant' } });
  event({
    ...{ type: 'content_block_delta', index: 0 },
    delta: { type: 'thinking_delta', thinking: 'hm' },
  });
  await block(`You said ${text} in turn ${turns} of ${session_id}.`);
  // As older ones said: 2.1.197 says no pieces of its sub-agents.
  event(
    { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'SUB-AGENT' } },
    'toolu_1',
  );
  say({ type: 'assistant', message: { role: 'assistant', content: [] }, parent_tool_use_id: null });
  if (options['--append-system-prompt']) await block(`Told: ${options['--append-system-prompt']}`);
  result('success', { is_error: false, result: 'the end' });
}

if (options['--resume'] === 'unknown') {
  const errors = ['No conversation found with session ID: unknown'];
  result('error_during_execution', { is_error: true, errors });
  console.error(errors[0]);
  process.exit(1);
}

let queue = Promise.resolve();
for await (const text of createInterface({ input: process.stdin })) {
  const line = JSON.parse(text);
  if (line.type === 'control_request' && line.request.subtype === 'interrupt') {
    interrupted = true;
    say({
      type: 'control_response',
      response: { subtype: 'success', request_id: line.request_id },
    });
  }
  if (line.type !== 'user' || line.message.role !== 'user') continue;
  const said = line.message.content.map((part) => part.text).join('');
  queue = queue.then(() => answer(said));
}
