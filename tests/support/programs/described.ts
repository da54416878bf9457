/** Descriptions of the scripted programs beside this file, as perdure.yaml would have them; real programs apart from the scripts in them. */
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PRESETS } from '../../../contracts/cli-presets.ts';
import { describeProgram } from '../../../contracts/cli-providers.ts';
import type { CliPreset, CliProvider, CliProviderInput } from '../../../contracts/cli-providers.ts';

const script = (name: string): string => fileURLToPath(new URL(`${name}.mjs`, import.meta.url));

/** The folders that a sandbox has to show for them. */
export const PROGRAM_FOLDERS = [dirname(process.execPath), dirname(script('claude'))];

export function described(given: CliProviderInput): CliProvider {
  const whole = describeProgram(given, PRESETS);
  if (!whole) throw new Error('the description lacks its command or its end');
  return whole;
}

/** A preset as it is, but for the program: Node with our script. */
export function presetInput(preset: CliPreset): CliProviderInput {
  const { args = [], resumeArgs = [] } = PRESETS[preset];
  const program = [script(preset)];
  return {
    preset,
    command: process.execPath,
    args: [...program, ...args],
    resumeArgs: [...program, ...resumeArgs],
    sandbox: 'none',
  };
}

export const BASH: CliProviderInput = {
  command: 'bash',
  args: ['--noprofile', '--norc'],
  input: { template: "trap : INT\n{message}\nprintf '\\n%s\\n' {marker}\n", end: false },
  done: { by: 'marker' },
  sandbox: 'none',
};

export const PROMPTING: CliProviderInput = {
  command: process.execPath,
  args: [script('prompting')],
  input: { template: '{message}\n', end: false },
  ready: 'ready> ',
  done: { by: 'prompt', pattern: 'ready> ' },
  sandbox: 'none',
};

/** @param file where it writes down what it was sent */
export const counting = (file?: string): CliProviderInput => ({
  command: process.execPath,
  args: [script('counting'), ...(file === undefined ? [] : [file])],
  input: { template: '{"ask":{json}}\n', end: false },
  done: { by: 'line', when: { kind: 'end' } },
  output: {
    format: 'json-lines',
    text: [{ when: { kind: 'piece' }, take: 'of.answer', block: false }],
    ...{ whole: [], reasoning: [], error: [], conversation: [] },
  },
  sandbox: 'none',
});
