/**
 * From a model's name to something that can be called. Which provider speaks which wire format is known here and nowhere else.
 * Retries of the provider libraries are off (`maxRetries: 0` where the stream is opened): Temporal's policy is the only owner.
 */
import { createAnthropic } from '@ai-sdk/anthropic';
import { createOpenAI } from '@ai-sdk/openai';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { createOpenRouter } from '@openrouter/ai-sdk-provider';
import type { LanguageModelV4 } from '@ai-sdk/provider';
import { PerdureError } from '../../contracts/perdure-error.ts';
import { keyNameOf } from '../../contracts/provider-keys.ts';
import type { ModelCatalogue, ModelSettings, ProviderSettings } from '../../contracts/settings.ts';
import { demoModel } from './demo/demo-model.ts';

/** The value of an environment variable, by its name. */
export type SecretLookup = (name: string) => string | undefined;

export interface CallableModel {
  /** Name under models. */
  readonly name: string;
  /** Name under providers. */
  readonly provider: string;
  readonly kind: ProviderSettings['kind'];
  readonly settings: ModelSettings;
  readonly language: LanguageModelV4;
  /** Instead of the key in the environment. */
  readonly key?: ProviderKey | undefined;
}

/** What a credential gives; only what can be cloned. */
export interface ProviderKey {
  readonly value: string;
  /** An access token, which every provider takes as `Authorization: Bearer`; else a plain key. */
  readonly bearer: boolean;
}

/** @throws {PerdureError} `model_rejected`, which says what to configure */
export type ModelResolver = (name: string, key?: ProviderKey) => CallableModel;

/** Environment variable → value: the keys that a catalogue's providers name, where they are set. */
export function keysOf(
  { providers }: ModelCatalogue,
  secrets: SecretLookup,
): Record<string, string> {
  const names = Object.values(providers).flatMap((provider) => keyNameOf(provider) ?? []);
  return Object.fromEntries(
    names.flatMap((name) => {
      const key = secrets(name);
      return key === undefined ? [] : [[name, key]];
    }),
  );
}

const rejected = (message: string): PerdureError => new PerdureError('model_rejected', message);

interface Connection {
  readonly name: string;
  readonly apiKey: string;
  readonly bearer: boolean;
  readonly baseURL?: string;
  readonly headers?: Record<string, string>;
}

function connect(
  kind: ProviderSettings['kind'],
  model: string,
  { bearer, ...connection }: Connection,
): LanguageModelV4 {
  switch (kind) {
    case 'openai':
      return createOpenAI(connection).responses(model);
    case 'anthropic':
      return createAnthropic(bearer ? withToken(connection) : connection).languageModel(model);
    case 'openrouter':
      return createOpenRouter({
        ...connection,
        compatibility: 'strict',
      }).languageModel(model);
    case 'openai-compatible':
      return createOpenAICompatible({
        ...connection,
        baseURL: connection.baseURL ?? '',
        includeUsage: true,
      }).languageModel(model);
    case 'demo':
      return demoModel(model);
  }
}

/** Its plain keys go into a header of their own. */
const withToken = ({ apiKey: authToken, ...rest }: Omit<Connection, 'bearer'>) => ({
  ...rest,
  authToken,
});

function keyFor(name: string, provider: ProviderSettings, secrets: SecretLookup): string {
  const keyName = keyNameOf(provider);
  const key = keyName === undefined ? undefined : secrets(keyName);
  // A local server needs none; libraries refuse an empty one and would look into the environment themselves.
  const optional = provider.kind === 'openai-compatible' && !provider.apiKeyEnv;
  if (key || optional || provider.kind === 'demo') return key ?? 'none';
  throw rejected(
    `No API key for the provider "${name}": set the environment variable ${keyName} for the worker and restart it.`,
  );
}

function resolve(
  catalogue: ModelCatalogue,
  secrets: SecretLookup,
  { name, key }: { readonly name: string; readonly key: ProviderKey | undefined },
): CallableModel {
  const settings = catalogue.models[name];
  if (!settings)
    throw rejected(
      `There is no model named "${name}"; perdure.yaml has: ${Object.keys(catalogue.models).join(', ')}.`,
    );
  const provider = catalogue.providers[settings.provider];
  if (!provider)
    throw rejected(
      `The model "${name}" names the provider "${settings.provider}", which perdure.yaml does not have.`,
    );
  const language = connect(provider.kind, settings.model, {
    name: settings.provider,
    apiKey: key?.value ?? keyFor(settings.provider, provider, secrets),
    bearer: key?.bearer ?? false,
    ...(provider.baseUrl === undefined ? {} : { baseURL: provider.baseUrl }),
    ...(provider.headers === undefined ? {} : { headers: provider.headers }),
  });
  return {
    name,
    provider: settings.provider,
    kind: provider.kind,
    settings,
    language,
    ...(key && { key }),
  };
}

/** Connections are made once a model and kept until its key changes, since they hold no state of a session. */
export function createModelResolver(
  catalogue: ModelCatalogue,
  secrets: SecretLookup,
): ModelResolver {
  const known = new Map<string, CallableModel>();
  return (name, key) => {
    let model = known.get(name);
    if (!model || model.key?.value !== key?.value)
      known.set(name, (model = resolve(catalogue, secrets, { name, key })));
    return model;
  };
}
