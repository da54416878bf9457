/** People who sign in for a credential: one login of each is open at a time, and goes on whoever asks for it. */
import {
  type Client,
  WithStartWorkflowOperation,
  type WorkflowHandle,
  WorkflowFailedError,
} from '@temporalio/client';
import { CancelledFailure } from '@temporalio/common';
import { randomUUID } from 'node:crypto';
import type { LoginEnd } from '../../contracts/credential-login.ts';
import { CREDENTIAL_LOGIN_WORKFLOW, SESSION_QUEUE } from '../../contracts/names.ts';
import { PerdureError } from '../../contracts/perdure-error.ts';
import {
  cancelLogin,
  shownLogin,
  type CredentialLogin,
  type ShownLogin,
} from '../../workflows/credential-login/messages.ts';
import { engineError, isDeadline, NoOpenRun } from './engine-errors.ts';

/** A provider that takes its time, and a queue before it. */
const BEGIN_MS = 60_000;
const COMMAND_MS = 5_000;
/** The server may be asked at that moment: its answer is waited for, and stored where it brings tokens. */
const CANCEL_MS = 40_000;
/** Temporal answers a question in that time. */
const LEAST_WAIT_MS = 1_000;
/** Half an hour for the person, and what may come before and after. */
const LONGEST_MS = 40 * 60_000;

export interface LoginRef {
  /** Of the credential. */
  readonly name: string;
  readonly loginId: string;
}

export interface CredentialLoginsOptions {
  readonly client: Client;
  readonly taskQueue?: string | undefined;
}

export class CredentialLogins {
  readonly #client: Client;
  readonly #taskQueue: string;

  constructor({ client, taskQueue }: CredentialLoginsOptions) {
    this.#client = client;
    this.#taskQueue = taskQueue ?? SESSION_QUEUE;
  }

  /** Begins one, or shows the one that is open. @throws worker_unavailable where no worker has a code in time */
  begin(login: CredentialLogin): Promise<ShownLogin> {
    const startWorkflowOperation = new WithStartWorkflowOperation<
      (login: CredentialLogin) => Promise<LoginEnd>
    >(CREDENTIAL_LOGIN_WORKFLOW, {
      workflowId: idOf(login.credential),
      taskQueue: this.#taskQueue,
      args: [login],
      workflowIdConflictPolicy: 'USE_EXISTING',
      workflowExecutionTimeout: LONGEST_MS,
      staticSummary: `login of ${login.credential}`,
    });
    return this.#deadline(BEGIN_MS, () =>
      this.#client.workflow.executeUpdateWithStart(shownLogin, {
        updateId: randomUUID(),
        startWorkflowOperation,
      }),
    );
  }

  /** @returns undefined where it is still open after that time. @throws not_found */
  async end({ name, loginId }: LoginRef, waitMs: number): Promise<LoginEnd | undefined> {
    const handle = this.#client.workflow.getHandle(idOf(name), loginId);
    try {
      return await this.#end(handle, Math.max(waitMs, LEAST_WAIT_MS));
    } catch (error) {
      if (!(error instanceof NoOpenRun)) throw error;
      const message = `There is no login "${loginId}" of "${name}".`;
      throw new PerdureError('not_found', message, { field: 'loginId', cause: error });
    }
  }

  /** @returns how it has ended, which may be in another way. @throws not_found; worker_unavailable where nobody ends it in time */
  async cancel(login: LoginRef): Promise<LoginEnd> {
    await this.#cancel(this.#client.workflow.getHandle(idOf(login.name), login.loginId));
    return settled(await this.end(login, CANCEL_MS));
  }

  /** The one that is open, whoever began it; nothing where none is. */
  async cancelOpen(name: string): Promise<void> {
    const handle = this.#client.workflow.getHandle(idOf(name));
    if (await this.#cancel(handle)) settled(await this.#end(handle, CANCEL_MS));
  }

  /** @returns false where none was open */
  async #cancel(handle: WorkflowHandle): Promise<boolean> {
    try {
      await this.#deadline(COMMAND_MS, () => handle.signal(cancelLogin));
      return true;
    } catch (error) {
      if (error instanceof NoOpenRun) return false;
      throw error;
    }
  }

  async #end(handle: WorkflowHandle, waitMs: number): Promise<LoginEnd | undefined> {
    try {
      const result = await this.#client.withDeadline(Date.now() + waitMs, () => handle.result());
      return result as LoginEnd;
    } catch (error) {
      if (isDeadline(error)) return undefined;
      if (error instanceof WorkflowFailedError) return endedBy(error);
      throw engineError(error);
    }
  }

  async #deadline<T>(ms: number, call: () => Promise<T>): Promise<T> {
    try {
      return await this.#client.withDeadline(Date.now() + ms, call);
    } catch (error) {
      throw engineError(error);
    }
  }
}

const idOf = (name: string): string => `credential-login-${name}`;

const endedBy = ({ cause }: WorkflowFailedError): LoginEnd => ({
  state: cause instanceof CancelledFailure ? 'cancelled' : 'failed',
  message: 'it was ended from outside',
});

function settled(end: LoginEnd | undefined): LoginEnd {
  if (end) return end;
  throw new PerdureError('worker_unavailable', 'No worker ended the login in time.');
}
