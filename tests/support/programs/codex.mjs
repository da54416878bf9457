// Speaks the protocol of `codex exec --json -`, one process a message, and answers by a script. Its lines have the shapes in seen/.
import { text } from 'node:stream/consumers';

const [exec, json, check, ...others] = process.argv.slice(2);
const config = others.indexOf('-c');
const confined = config >= 0 && others[config + 1] === 'sandbox_mode=danger-full-access';
const rest = confined ? others.toSpliced(config, 2) : others;
if (exec !== 'exec' || json !== '--json' || check !== '--skip-git-repo-check') {
  console.error(`error: unexpected argument '${process.argv.slice(2).join(' ')}' found`);
  process.exit(2);
}
const resumed = rest[0] === 'resume' ? rest[1] : undefined;
if (rest.at(-1) !== '-') process.exit(2);
const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
const item = (id, details) => say({ type: 'item.completed', item: { id, ...details } });
const said = await text(process.stdin);
const thread_id = resumed ?? '0199a213-81c0-7800-8aa1-bbab2a035a53';
if (resumed === 'unknown') {
  console.error(
    'Error: thread/resume: thread/resume failed: no rollout found for thread id unknown',
  );
  process.exit(1);
}

say({ type: 'thread.started', thread_id });
say({ type: 'turn.started' });
console.error('codex: warming up');
if (said === 'fail') {
  say({ type: 'error', message: 'stream disconnected' });
  say({ type: 'turn.failed', error: { message: 'stream disconnected before completion' } });
  process.exit(1);
}
if (said === 'retry') say({ type: 'error', message: 'Reconnecting... 1/5' });
if (said === 'die') process.exit(7);
item('item_0', { type: 'reasoning', text: 'thinking' });
const command = { type: 'command_execution', command: "/bin/bash -lc 'ls'" };
const begun = { ...command, aggregated_output: '', exit_code: null, status: 'in_progress' };
say({ type: 'item.started', item: { id: 'item_1', ...begun } });
item('item_1', { ...command, aggregated_output: 'x\n', exit_code: 0, status: 'completed' });
item('item_2', { type: 'agent_message', text: `You said ${said}.` });
if (said === 'confined?') item('item_3', { type: 'agent_message', text: `${confined}` });
item('item_4', { type: 'agent_message', text: resumed ? `Resumed ${resumed}.` : 'A new thread.' });
// Of the whole thread: each message takes as much.
const messages = resumed ? Number(/message (\d+)/.exec(said)?.[1] ?? 2) : 1;
const usage = {
  ...{ input_tokens: 100, cached_input_tokens: 40, cache_write_input_tokens: 0 },
  ...{ output_tokens: 7, reasoning_output_tokens: 3 },
};
say({
  type: 'turn.completed',
  usage: Object.fromEntries(Object.entries(usage).map(([name, value]) => [name, messages * value])),
});
