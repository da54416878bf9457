/** Whether a credential works, asked from this process, once, and without a journal: for `perdure doctor`. */
import { classifyAuthFailure } from '../activities/auth/failure.ts';
import { checkApiKey } from '../activities/auth/strategies/api-key.ts';
import { checkCommand } from '../activities/auth/strategies/command.ts';
import { redact } from '../activities/model/redaction.ts';
import type { SecretLookup } from '../config/secrets.ts';
import type { Settings } from '../config/settings.ts';
import type { AuthFailureKind } from '../contracts/authentication.ts';
import { allCredentials, keyNameOf } from '../contracts/provider-keys.ts';

export interface Checked {
  readonly kind: 'succeeded' | AuthFailureKind;
  /** Without a secret; empty where it succeeded. */
  readonly reason: string;
}

export interface CheckParts {
  readonly settings: Pick<Settings, 'catalogue' | 'credentials'>;
  readonly secrets: SecretLookup;
  readonly deadlineMs: number;
}

/** @returns undefined where a token would have to be stored, which is a worker's matter */
export async function checkOnce(
  name: string,
  { settings, secrets, deadlineMs }: CheckParts,
): Promise<Checked | undefined> {
  const { providers } = settings.catalogue;
  const credential = allCredentials({ ...settings, providers })[name];
  if (!credential || credential.strategy.startsWith('oauth2-')) return undefined;
  const check = credential.strategy === 'api-key' ? checkApiKey : checkCommand;
  try {
    const signal = AbortSignal.timeout(deadlineMs);
    await check({ providers, secrets }, { credential, signal });
    return { kind: 'succeeded', reason: '' };
  } catch (error) {
    const { kind, reason } = classifyAuthFailure(error);
    const provider = providers[credential.provider ?? ''];
    const variable = credential.apiKeyEnv ?? (provider && keyNameOf(provider));
    const key = variable === undefined ? undefined : secrets(variable);
    return { kind, reason: redact(reason, key === undefined ? [] : [key]) };
  }
}
