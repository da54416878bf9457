/** The owner of this machine decides what runs on it: by names given at the start, or asked in the terminal. */
import { createInterface } from 'node:readline/promises';
import type { AgentToolCall } from '../../contracts/runners.ts';
import type { Permit } from '../../runner/call-parts.ts';
import { permissionFor } from '../../runner/permission.ts';
import { bothEnds, printable } from '../format.ts';
import type { RunnerCommandOptions } from './options.ts';

/** What a person is shown of the arguments; a file may be long. */
const SHOWN_CHARACTERS = 4_000;

type Options = Pick<RunnerCommandOptions, 'allow' | 'deny' | 'ask' | 'json'>;

type Preview = (action: AgentToolCall) => Promise<string | undefined>;

export function permitOf({ allow, deny, ask, json }: Options, preview: Preview): Permit {
  const allowed = new Set(allow);
  const hasTerminal = process.stdin.isTTY && process.stderr.isTTY && !json;
  let turn: Promise<unknown> = Promise.resolve();
  return (action, signal) => {
    const permissions = { allow: [...allowed], deny, askAlways: ask === true };
    const permission = permissionFor(action.invocation, permissions);
    const { name } = action.invocation;
    if (permission === 'run') return Promise.resolve(undefined);
    if (permission === 'deny')
      return Promise.resolve(`The runner was started with --deny for ${name}.`);
    if (!hasTerminal)
      return Promise.resolve(
        `The runner may not run ${name} without being asked, and there is nobody to ask: start it in a terminal, or with --allow ${name}.`,
      );
    // One question at a time.
    const answer = turn.then(() =>
      allowed.has(name) ? undefined : asked(action, signal, { allowed, preview }),
    );
    turn = answer.catch(() => undefined);
    return answer;
  };
}

async function asked(
  action: AgentToolCall,
  signal: AbortSignal,
  { allowed, preview }: { allowed: Set<string>; preview: Preview },
): Promise<string | undefined> {
  if (signal.aborted) return undefined;
  const { sessionId, invocation } = action;
  const { name, arguments: input } = invocation;
  const text = (await preview(action)) ?? JSON.stringify(input, null, 2) ?? '';
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  // It takes Ctrl-C for itself.
  terminal.on('SIGINT', () => process.kill(process.pid, 'SIGINT'));
  try {
    const shown = bothEnds(printable(text), SHOWN_CHARACTERS);
    process.stderr.write(`\n${sessionId} wants to run ${name}:\n${shown}\n`);
    for (;;) {
      const question = `Run it? [y]es, [a]lways ${name}, [n]o, or why not: `;
      const said = (await terminal.question(question, { signal })).trim();
      const word = said.toLowerCase();
      if (word === 'a' || word === 'always') allowed.add(name);
      if (['y', 'yes', 'a', 'always'].includes(word)) return undefined;
      if (word === 'n' || word === 'no') return 'The person at the runner said no.';
      if (word !== '') return `The person at the runner said no: ${said}`;
    }
  } catch (error) {
    if (signal.aborted) {
      // First: a Ctrl-C at what is said here would be lost among the keys of the question.
      terminal.close();
      process.stderr.write('\n(It is not needed any more.)\n');
      return undefined;
    }
    throw error;
  } finally {
    terminal.close();
  }
}
