/** Programs that agents have as their engine: whether they are there, and have a key. The worker's machine counts, which is this one where they run together. */
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { SecretLookup } from '../../config/secrets.ts';
import type { Settings } from '../../config/settings.ts';
import type { CliProvider } from '../../contracts/cli-providers.ts';
import { ok, problem, warning } from './check.ts';
import type { Finding } from './check.ts';

/** One finding a program that some agent uses. */
export async function checkPrograms(
  { catalogue, cliProviders }: Settings,
  secrets: SecretLookup,
): Promise<readonly Finding[]> {
  const used = new Set(Object.values(catalogue.agents).flatMap(({ engine }) => engine?.cli ?? []));
  const findings = [...used].map((name) => {
    const program = cliProviders[name];
    return program ? [checkProgram(name, program, secrets)] : [];
  });
  return Promise.all(findings.flat());
}

async function checkProgram(
  name: string,
  program: CliProvider,
  secrets: SecretLookup,
): Promise<Finding> {
  const check = `program ${name}`;
  const { command, env, preset } = program;
  const found = await findOnPath(command, secrets('PATH') ?? '');
  if (found === undefined) {
    const mend = `Install ${command} on the worker's machine, or correct cliProviders.${name}.command.`;
    return problem(check, `${command} is not on the PATH`, mend);
  }
  if (preset !== undefined && env.length > 0 && !env.some((variable) => secrets(variable)))
    return warning(
      check,
      `${found}, but none of ${env.join(', ')} is set`,
      `Set one for the worker.`,
    );
  return ok(check, `${found}, sandbox: ${program.sandbox}`);
}

async function findOnPath(command: string, path: string): Promise<string | undefined> {
  const candidates = command.includes('/')
    ? [resolve(command)]
    : path.split(':').map((folder) => join(folder, command));
  for (const candidate of candidates) if (await runs(candidate)) return candidate;
  return undefined;
}

const runs = (file: string): Promise<boolean> =>
  access(file, constants.X_OK).then(
    () => true,
    () => false,
  );
