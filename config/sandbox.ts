import { OTHER_VARIABLES } from './environment.ts';
import type { PathProblem } from './problems.ts';
import type { FileSettings } from './schema.ts';

/** Variables that the settings name as secrets, wherever they do: `apiKeyEnv`, `clientSecretEnv` and the like. */
function secretsIn(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    key.endsWith('Env') && typeof inner === 'string' ? [inner] : secretsIn(inner),
  );
}

/** What a command of a model must not see, whatever a person allows by mistake. */
export function checkSandbox(settings: FileSettings): readonly PathProblem[] {
  const secrets = new Set([...Object.keys(OTHER_VARIABLES), ...secretsIn(settings)]);
  return settings.sandbox.environment.flatMap((name, index) =>
    secrets.has(name) || name.startsWith('PERDURE_')
      ? [
          {
            path: ['sandbox', 'environment', index],
            message: `is ${name}; expected none of Perdure's own variables, and no secret that these settings name`,
          },
        ]
      : [],
  );
}
