/**
 * A person signs in for a credential, however long that takes: the code is shown, the server is asked as often as it allows. What comes of it
 * stays in the workers; here it is a name and how it goes.
 */
import {
  allHandlersFinished,
  CancellationScope,
  condition,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type {
  BegunLogin,
  LoginAnswer,
  LoginCode,
  LoginEnd,
} from '../../contracts/credential-login.ts';
import { loginActivities } from './activities.ts';
import { firstPace, lifetimeOf, nextPace } from './decisions.ts';
import { cancelLogin, shownLogin } from './messages.ts';
import type { CredentialLogin, ShownLogin } from './messages.ts';

interface Progress {
  code?: LoginCode;
  endsAt: number;
  cancelled: boolean;
  end?: LoginEnd;
}

const CANCELLED: LoginEnd = { state: 'cancelled', message: 'it was ended before anybody decided' };
const EXPIRED: LoginEnd = { state: 'expired', message: 'nobody decided in time' };

export async function credentialLogin(login: CredentialLogin): Promise<LoginEnd> {
  const progress: Progress = { endsAt: 0, cancelled: false };
  setHandler(cancelLogin, () => {
    progress.cancelled = true;
  });
  setHandler(shownLogin, async (): Promise<ShownLogin> => {
    await condition(() => progress.code !== undefined || progress.end !== undefined);
    const { code, endsAt, end } = progress;
    const known = { loginId: workflowInfo().runId, by: login.by };
    return end ? { ...known, ...end } : { ...known, state: 'waiting', code: code!, endsAt };
  });
  progress.end = await signedIn(login, progress);
  await condition(allHandlersFinished);
  setCurrentDetails(`**${login.credential}: ${progress.end.state}**\n\n${progress.end.message}`);
  return progress.end;
}

async function signedIn(login: CredentialLogin, progress: Progress): Promise<LoginEnd> {
  const { credential, by } = login;
  const activities = loginActivities(login.policies);
  const begun = await activities.beginLogin({ credential, by });
  if (begun.state !== 'begun') return begun;
  progress.endsAt = Date.now() + lifetimeOf(begun);
  progress.code = begun.code;
  const ask = () => activities.askForLogin({ credential, by, sealed: begun.sealed });
  return decided({ begun, progress, ask });
}

interface Waiting {
  readonly begun: BegunLogin;
  readonly progress: Progress;
  readonly ask: () => Promise<LoginAnswer>;
}

async function decided({ begun, progress, ask }: Waiting): Promise<LoginEnd> {
  let pace = firstPace(begun);
  for (;;) {
    const left = progress.endsAt - Date.now();
    if (left <= 0) return EXPIRED;
    if (await condition(() => progress.cancelled, Math.min(pace.waitMs, left))) return CANCELLED;
    if (left <= pace.waitMs) return EXPIRED;
    // Its answer may bring the tokens, which are stored then: it is waited for.
    const answer = await CancellationScope.nonCancellable(ask);
    if ('message' in answer) return answer;
    pace = nextPace(pace, answer);
  }
}
