// Speaks the protocol of `gemini --output-format stream-json` with the message on its input, and answers by a script.
import { text } from 'node:stream/consumers';

const [option, format, resume, id] = process.argv.slice(2);
if (option !== '--output-format' || format !== 'stream-json') process.exit(42);
if (resume !== undefined && resume !== '--resume') process.exit(42);
const timestamp = '2026-11-30T12:00:00.000Z';
const say = (line) => process.stdout.write(`${JSON.stringify({ timestamp, ...line })}\n`);
const said = await text(process.stdin);
const session_id = id ?? 'b1b2c3d4-0000-4000-8000-000000000000';

say({ type: 'init', session_id, model: 'gemini' });
say({ type: 'message', role: 'user', content: said });
if (said === 'fail') {
  say({ type: 'error', severity: 'error', message: 'quota' });
  say({ type: 'result', status: 'error', error: { type: 'ApiError', message: 'quota exceeded' } });
  process.exit(1);
}
process.stdout.write('Loaded cached credentials.\n');
for (const content of ['You ', `said ${said}`, id ? ` in ${id}.` : '.'])
  say({ type: 'message', role: 'assistant', content, delta: true });
say({ type: 'tool_use', tool_name: 'ls', tool_id: 't', parameters: {} });
say({
  type: 'result',
  status: 'success',
  stats: { total_tokens: 30, input_tokens: 20, output_tokens: 10, cached: 4, duration_ms: 1 },
});
