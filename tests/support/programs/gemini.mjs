// Speaks the protocol of `gemini --output-format stream-json` with the message on its input, and answers by a script. Its lines have the
// shapes in seen/.
import { text } from 'node:stream/consumers';

const [option, format, trust, resume, id] = process.argv.slice(2);
if (option !== '--output-format' || format !== 'stream-json') process.exit(42);
if (trust !== '--skip-trust') {
  console.error('Gemini CLI is not running in a trusted directory.');
  process.exit(55);
}
if (resume !== undefined && resume !== '--resume') process.exit(42);
const say = (type, line) =>
  process.stdout.write(
    `${JSON.stringify({ type, timestamp: '2026-11-30T12:00:00.000Z', ...line })}\n`,
  );
const said = await text(process.stdin);
const session_id = id ?? 'b1b2c3d4-0000-4000-8000-000000000000';
const none = { total_tokens: 0, input_tokens: 0, output_tokens: 0, cached: 0, input: 0 };

console.error('Ripgrep is not available. Falling back to GrepTool.');
say('init', { session_id, model: 'auto' });
say('message', { role: 'user', content: said });
if (said === 'fail') {
  const error = { type: 'unknown', message: '[API Error: quota exceeded]' };
  const stats = { ...none, duration_ms: 0, tool_calls: 0, models: {} };
  say('result', { status: 'error', error, stats });
  process.exit(145);
}
// As older ones said.
process.stdout.write('Loaded cached credentials.\n');
for (const content of ['You ', `said ${said}`, id ? ` in ${id}.` : '.'])
  say('message', { role: 'assistant', content, delta: true });
// Told to end in mid-answer, it ends as if all was well.
if (said === 'leave') process.exit(0);
say('tool_use', { tool_name: 'list_directory', tool_id: 't', parameters: { dir_path: '.' } });
say('tool_result', { tool_id: 't', status: 'success' });
const used = { total_tokens: 30, input_tokens: 20, output_tokens: 10, cached: 4, input: 16 };
say('result', { status: 'success', stats: { ...used, duration_ms: 1, tool_calls: 1, models: {} } });
