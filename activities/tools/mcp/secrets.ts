/** What a server is given by reference, looked up when it is connected to. */
import { mcpReferences } from '../../../contracts/mcp.ts';
import type { McpServerSettings } from '../../../contracts/mcp.ts';
import { PerdureError } from '../../../contracts/perdure-error.ts';
import type { SecretLookup } from '../../model/providers.ts';

/** Of the worker's own variables, all that a program gets beside those it is given: enough to start, nothing secret. */
const PASSED_ON = ['PATH', 'HOME', 'USER', 'LOGNAME', 'SHELL', 'TERM', 'LANG', 'TMPDIR'];

type References = Readonly<Record<string, string>>;

function valueOf(name: string, secrets: SecretLookup): string {
  const value = secrets(name);
  if (value === undefined)
    throw new PerdureError('auth_failed', `The worker has no environment variable ${name}.`);
  return value;
}

const valuesOf = (references: References, secrets: SecretLookup): Record<string, string> =>
  Object.fromEntries(
    Object.entries(references).map(([name, variable]) => [name, valueOf(variable, secrets)]),
  );

export const environmentOf = (
  { env }: McpServerSettings,
  secrets: SecretLookup,
): Record<string, string> => ({
  ...Object.fromEntries(
    PASSED_ON.flatMap((name) => {
      const value = secrets(name);
      return value === undefined ? [] : [[name, value]];
    }),
  ),
  ...valuesOf(env, secrets),
});

export const headersOf = (
  { headers, bearerEnv }: McpServerSettings,
  secrets: SecretLookup,
): Record<string, string> => ({
  ...valuesOf(headers, secrets),
  ...(bearerEnv && { Authorization: `Bearer ${valueOf(bearerEnv, secrets)}` }),
});

/** Values that must appear in no message. */
export const secretsOf = (server: McpServerSettings, secrets: SecretLookup): readonly string[] =>
  mcpReferences(server).flatMap((name) => {
    const value = secrets(name);
    return value === undefined ? [] : [value];
  });
