/** Programs that answer instead of a model: what perdure.yaml says of them, what Perdure knows itself, and what does not fit together. */
import { PRESETS } from '../contracts/cli-presets.ts';
import { CLI_PRESETS, describeProgram } from '../contracts/cli-providers.ts';
import type { CliProvider, CliProviderInput, CliProviders } from '../contracts/cli-providers.ts';
import type { PathProblem } from './problems.ts';
import type { FileSettings } from './schema.ts';

type Given = Readonly<Record<string, CliProviderInput>>;

/** The known ones need no entry. An entry of a known name that says no preset is another program. */
export const describedPrograms = (given: Given): CliProviders =>
  Object.fromEntries(
    programNames(given).flatMap((name) => {
      const described = describe(name, given);
      return described ? [[name, described] as const] : [];
    }),
  );

export const programNames = (given: Given): readonly string[] => [
  ...new Set([...CLI_PRESETS, ...Object.keys(given)]),
];

function describe(name: string, given: Given): CliProvider | undefined {
  const known = CLI_PRESETS.find((preset) => preset === name);
  return describeProgram(given[name] ?? (known ? { preset: known } : {}), PRESETS);
}

export function checkPrograms({ cliProviders }: FileSettings): readonly PathProblem[] {
  return Object.keys(cliProviders).flatMap((name) => {
    const described = describe(name, cliProviders);
    return described
      ? unfit(described).map(({ path, message }) => ({
          path: ['cliProviders', name, ...path],
          message,
        }))
      : incomplete(name, cliProviders[name] ?? {});
  });
}

const incomplete = (name: string, { command, done }: CliProviderInput): readonly PathProblem[] => [
  ...(command === undefined
    ? [
        {
          path: ['cliProviders', name, 'command'],
          message: 'is missing: the program to run, or a preset',
        },
      ]
    : []),
  ...(done === undefined
    ? [
        {
          path: ['cliProviders', name, 'done'],
          message: 'is missing: how an answer ends, or a preset',
        },
      ]
    : []),
];

function unfit(program: CliProvider): readonly PathProblem[] {
  const { output, done, process, input, args, resumeArgs } = program;
  const problems: PathProblem[] = [];
  const say = (path: string[], message: string): void => void problems.push({ path, message });
  const json = output.format === 'json-lines';
  if (done.by === 'line' && !json)
    say(['done', 'by'], 'is "line"; that needs output.format json-lines');
  if ((done.by === 'marker' || done.by === 'prompt') && json)
    say(['done', 'by'], `is "${done.by}"; that needs output.format text`);
  if (done.by === 'marker' && !input?.template.includes('{marker}'))
    say(['input', 'template'], 'has no {marker}, which is to end an answer');
  if (done.by === 'exit' && process === 'session')
    say(['done', 'by'], 'is "exit"; that needs process command');
  const told = [...args, ...(resumeArgs ?? [])].some((arg) => /\{(message|json)\}/.test(arg));
  if (!input && !told)
    say(
      ['input'],
      'is missing: nothing gives the program its message, no {message} in args either',
    );
  if (told && process === 'session') say(['args'], 'have {message}; that needs process command');
  return problems;
}
