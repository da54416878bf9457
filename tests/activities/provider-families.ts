/** The provider families, all pointed at one model server. */
import { ApplicationFailure } from '@temporalio/common';
import { startModelServer } from '../support/model-server.ts';
import type { ModelServer } from '../support/model-server.ts';
import { openStage } from './stage.ts';
import type { CatalogueInput, Stage, StageOptions } from './stage.ts';

export const FAMILIES = ['openai-compatible', 'openrouter', 'openai', 'anthropic'] as const;
export type Family = (typeof FAMILIES)[number];

/** A key that must never show up anywhere. */
export const SECRET = 'sk-very-secret-0123456789';

export const SECRETS = {
  OPENROUTER_API_KEY: SECRET,
  OPENAI_API_KEY: SECRET,
  ANTHROPIC_API_KEY: SECRET,
  COMPATIBLE_KEY: SECRET,
};

const PRICES = { inputUsdPerMTok: 1, outputUsdPerMTok: 2 };

/** One provider of this family, with a model `main` and, on the same server, a model `spare`. */
export const familyOn = (
  server: ModelServer,
  family: Family,
  model: object = {},
): Pick<CatalogueInput, 'providers' | 'models'> & { secrets: Record<string, string> } => ({
  providers: {
    fake: {
      kind: family,
      baseUrl: `${server.url}/v1`,
      ...(family === 'openai-compatible' ? { apiKeyEnv: 'COMPATIBLE_KEY' } : {}),
    },
  },
  models: {
    main: { provider: 'fake', model: 'main-1', ...PRICES, ...model },
    spare: { provider: 'fake', model: 'spare-1', ...PRICES, ...model },
  },
  secrets: SECRETS,
});

/** A model server, and a stage with a provider of this family on it. */
export async function withServer(
  family: Family,
  use: (stage: Stage, server: ModelServer) => Promise<void>,
  options: StageOptions = {},
): Promise<void> {
  await using server = await startModelServer();
  await using stage = await openStage({ ...familyOn(server, family), ...options });
  await use(stage, server);
}

/** How the activity failed. */
export async function failureOf(work: Promise<unknown>): Promise<ApplicationFailure> {
  try {
    const value = await work;
    throw new Error(`no failure, but ${JSON.stringify(value)}`);
  } catch (error) {
    if (error instanceof ApplicationFailure) return error;
    throw error;
  }
}
