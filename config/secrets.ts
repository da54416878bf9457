/** The value of an environment variable, by its name. */
export type SecretLookup = (name: string) => string | undefined;

/** Secrets are looked up at their use and never kept: nothing that prints or sends the settings can show one. */
export const environmentSecrets =
  (env: NodeJS.ProcessEnv = process.env): SecretLookup =>
  (name) =>
    env[name]?.trim() || undefined;
