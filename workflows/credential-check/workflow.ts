/** An operator asks whether a credential works: in a worker, where the secrets are, under the policy that sessions have. */
import { setCurrentDetails } from '@temporalio/workflow';
import { attemptsInWords } from '../../contracts/auth-attempts.ts';
import { authenticateBy } from '../authentication/authenticate.ts';
import type { CredentialCheck, CredentialCheckResult } from './messages.ts';

export async function credentialCheck({
  policies,
  ...input
}: CredentialCheck): Promise<CredentialCheckResult> {
  const result = await authenticateBy(policies)(input);
  setCurrentDetails(
    `**${input.credential}: ${result.outcome}**\n\n${attemptsInWords(result.attempts)}`,
  );
  return result;
}
