/** The one place that talks to Temporal. Each call has a deadline: a client must hear "try again", not wait. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type Client,
  WorkflowClient,
  type WorkflowHandle,
  WorkflowExecutionAlreadyStartedError,
  WorkflowFailedError,
} from '@temporalio/client';
import { defineSearchAttributeKey, TypedSearchAttributes } from '@temporalio/common';
import type { ApprovalOutcome } from '../../contracts/approvals.ts';
import type { CallId, SessionId } from '../../contracts/ids.ts';
import { MAX_TEMPORAL_BYTES } from '../../contracts/limits.ts';
import {
  SEARCH_ATTRIBUTES,
  CREDENTIAL_CHECK_WORKFLOW,
  SESSION_QUEUE,
  SESSION_WORKFLOW,
  type SearchState,
} from '../../contracts/names.ts';
import { PerdureError } from '../../contracts/perdure-error.ts';
import type { LiveStatus, QueuedMessage } from '../../contracts/session.ts';
import type {
  CredentialCheck,
  CredentialCheckResult,
} from '../../workflows/credential-check/messages.ts';
import * as messages from '../../workflows/session/messages.ts';
import { engineError, isDroppedUpdate, NoOpenRun } from './engine-errors.ts';

/** Long enough for Temporal's client to retry over a hiccup, short enough for a person. */
const COMMAND_MS = 5_000;
const QUERY_MS = 1_000;
/** Three attempts of half a minute, the waits between them, and a queue before it. */
const CHECK_MS = 120_000;
/** Between the journal's "ended" and the end of the run: one workflow task, on a busy worker. */
const CLOSING_MS = 2_000;
const CLOSING_POLL_MS = 30;
const UPDATE_AGAIN_MS = 30;

export interface StartRequest {
  readonly start: messages.SessionStart;
  /** Sent in the same request, so that a session never exists without its first message. */
  readonly message?: messages.UserMessage | undefined;
  /** What the list in Temporal's UI shows. */
  readonly summary: string;
}

export interface UpdateName {
  /** Temporal keeps an update's answer under its id: the same id twice is the same change. */
  readonly id: string;
  /** Stands for the request's idempotency key; the session refuses another change under the same one. */
  readonly key: string | undefined;
}

const KEYS = {
  tenant: defineSearchAttributeKey(SEARCH_ATTRIBUTES.tenant, 'KEYWORD'),
  agent: defineSearchAttributeKey(SEARCH_ATTRIBUTES.agent, 'KEYWORD'),
  state: defineSearchAttributeKey(SEARCH_ATTRIBUTES.state, 'KEYWORD'),
};

export interface EngineOptions {
  readonly client: Client;
  readonly updateMs: number;
  /** Where the sessions' workers listen; tests have their own. */
  readonly taskQueue?: string | undefined;
}

export class SessionEngine {
  readonly #client: Client;
  /** A run that has ended would be replayed to answer, as though it were still there. */
  readonly #openRuns: WorkflowClient;
  readonly #updateMs: number;
  readonly #taskQueue: string;

  constructor({ client, updateMs, taskQueue }: EngineOptions) {
    this.#client = client;
    this.#openRuns = new WorkflowClient({
      ...client.workflow.options,
      connection: client.connection,
      queryRejectCondition: 'NOT_OPEN',
    });
    this.#updateMs = updateMs;
    this.#taskQueue = taskQueue ?? SESSION_QUEUE;
  }

  /**
   * Starts the session's first run, however often and by however many it is asked. A run that is open already is only given the message.
   * @returns false where nothing was done: the session has had its run, which goes on or (with a message) has ended
   */
  start(request: StartRequest): Promise<boolean> {
    return this.#launch(request, 'REJECT_DUPLICATE');
  }

  /**
   * Starts a new run under the same id, whose last run has ended. A run that is open takes the message, and answers it in a new run where
   * it is about to end.
   */
  async reopen(request: StartRequest): Promise<void> {
    await this.#untilClosed(request.start.sessionId);
    await this.#launch(request, 'ALLOW_DUPLICATE');
  }

  /**
   * The journal says that a session has ended a moment before Temporal does. Better a run that is started anew, with the settings of now. A
   * run that stays open is one that somebody else has reopened already.
   */
  async #untilClosed(sessionId: SessionId): Promise<void> {
    const giveUpAt = Date.now() + CLOSING_MS;
    while ((await this.lastRun(sessionId)) === 'open' && Date.now() < giveUpAt)
      await sleep(CLOSING_POLL_MS);
  }

  /** Of the newest run; `none` where the session never began, or Temporal has forgotten it. */
  async lastRun(sessionId: SessionId): Promise<'open' | 'closed' | 'none'> {
    const described = this.#within(COMMAND_MS, sessionId, (handle) => handle.describe());
    try {
      return (await described).status.name === 'RUNNING' ? 'open' : 'closed';
    } catch (error) {
      if (error instanceof NoOpenRun) return 'none';
      throw error;
    }
  }

  async send(sessionId: SessionId, message: messages.UserMessage): Promise<void> {
    refuseOversize(message);
    await this.#command(sessionId, (handle) => handle.signal(messages.userMessage, message));
  }

  async toolResult(sessionId: SessionId, callId: CallId): Promise<void> {
    await this.#command(sessionId, (handle) => handle.signal(messages.toolResult, { callId }));
  }

  async interrupt(sessionId: SessionId, request: messages.InterruptRequest): Promise<void> {
    await this.#command(sessionId, (handle) => handle.signal(messages.interruptTurn, request));
  }

  async stop(sessionId: SessionId): Promise<void> {
    await this.#command(sessionId, (handle) => handle.signal(messages.stopSession));
  }

  /** A run that is about to end is followed by another; one that is not goes on. */
  async reopenOpen(sessionId: SessionId): Promise<void> {
    await this.#command(sessionId, (handle) => handle.signal(messages.reopenSession));
  }

  editQueue(
    sessionId: SessionId,
    edit: messages.QueueEditRequest,
    { id, key }: UpdateName,
  ): Promise<readonly QueuedMessage[]> {
    refuseOversize(edit);
    return this.#update(sessionId, (handle) =>
      handle.executeUpdate(messages.editQueue, { args: [edit, key], updateId: id }),
    );
  }

  reconfigure(
    sessionId: SessionId,
    change: messages.Reconfiguration,
    { id, key }: UpdateName,
  ): Promise<messages.Reconfigured | undefined> {
    return this.#update(sessionId, (handle) =>
      handle.executeUpdate(messages.reconfigure, { args: [change, key], updateId: id }),
    );
  }

  /** @param id stands for the decision: the same again is no second one */
  decideApproval(
    sessionId: SessionId,
    request: messages.ApprovalDecisionRequest,
    id: string,
  ): Promise<ApprovalOutcome> {
    return this.#within(this.#updateMs, sessionId, (handle) =>
      handle.executeUpdate(messages.approvalDecision, { args: [request], updateId: id }),
    );
  }

  status(sessionId: SessionId): Promise<LiveStatus> {
    return this.#deadline(QUERY_MS, () =>
      this.#openRuns.getHandle(sessionId).query(messages.status),
    );
  }

  /** Answers when it is settled. @throws worker_unavailable where no worker settles it in time */
  async checkCredential(check: CredentialCheck): Promise<CredentialCheckResult> {
    const handle = await this.#deadline(COMMAND_MS, () =>
      this.#client.workflow.start(CREDENTIAL_CHECK_WORKFLOW, {
        workflowId: `credential-check-${randomUUID()}`,
        taskQueue: this.#taskQueue,
        args: [check],
        workflowExecutionTimeout: CHECK_MS,
        staticSummary: `check of ${check.credential}`,
      }),
    );
    try {
      return (await handle.result()) as CredentialCheckResult;
    } catch (error) {
      if (!(error instanceof WorkflowFailedError)) throw engineError(error);
      throw new PerdureError('worker_unavailable', 'No worker settled the check in time.', {
        cause: error,
      });
    }
  }

  /** @throws engine_unavailable */
  async ping(): Promise<void> {
    await this.#deadline(QUERY_MS, () =>
      this.#client.workflowService.getSystemInfo({}).then(() => undefined),
    );
  }

  async #launch(
    { start, message, summary }: StartRequest,
    workflowIdReusePolicy: 'REJECT_DUPLICATE' | 'ALLOW_DUPLICATE',
  ): Promise<boolean> {
    refuseOversize(start);
    refuseOversize(message);
    const options = {
      workflowId: start.sessionId,
      taskQueue: this.#taskQueue,
      args: [start] as [messages.SessionStart],
      workflowIdReusePolicy,
      staticSummary: summary,
      typedSearchAttributes: attributesOf(start),
    };
    const { workflow } = this.#client;
    try {
      await this.#deadline(COMMAND_MS, async () => {
        if (message)
          await workflow.signalWithStart(SESSION_WORKFLOW, { ...options, ...said(message) });
        else if (start.origin === 'start') await workflow.start(SESSION_WORKFLOW, options);
        else await workflow.signalWithStart(SESSION_WORKFLOW, { ...options, ...ASKED });
      });
      return true;
    } catch (error) {
      if (error instanceof WorkflowExecutionAlreadyStartedError) return false;
      throw error;
    }
  }

  async #update<T>(sessionId: SessionId, call: (handle: WorkflowHandle) => Promise<T>): Promise<T> {
    const giveUpAt = Date.now() + this.#updateMs;
    for (;;) {
      try {
        return await this.#within(giveUpAt - Date.now(), sessionId, call);
      } catch (error) {
        if (!isDroppedUpdate(error) || Date.now() + UPDATE_AGAIN_MS > giveUpAt) throw error;
        await sleep(UPDATE_AGAIN_MS);
      }
    }
  }

  #command(
    sessionId: SessionId,
    call: (handle: WorkflowHandle) => Promise<unknown>,
  ): Promise<unknown> {
    return this.#within(COMMAND_MS, sessionId, call);
  }

  #within<T>(
    ms: number,
    sessionId: SessionId,
    call: (handle: WorkflowHandle) => Promise<T>,
  ): Promise<T> {
    return this.#deadline(ms, () => call(this.#client.workflow.getHandle(sessionId)));
  }

  async #deadline<T>(ms: number, call: () => Promise<T>): Promise<T> {
    try {
      return await this.#client.withDeadline(Date.now() + ms, call);
    } catch (error) {
      throw engineError(error);
    }
  }
}

const said = (message: messages.UserMessage) => ({
  signal: messages.userMessage,
  signalArgs: [message] as [messages.UserMessage],
});
const ASKED = { signal: messages.reopenSession, signalArgs: [] as [] };

/** Whoever calls has moved large content to artifacts already; this is the last door before Temporal. @throws payload_too_large */
function refuseOversize(payload: unknown): void {
  const bytes = Buffer.byteLength(JSON.stringify(payload ?? null));
  if (bytes > MAX_TEMPORAL_BYTES)
    throw new PerdureError(
      'payload_too_large',
      `${bytes} bytes, at most ${MAX_TEMPORAL_BYTES} may be sent in one piece; upload parts of it as artifacts.`,
    );
}

const attributesOf = ({ tenant, agent }: messages.SessionStart): TypedSearchAttributes =>
  new TypedSearchAttributes([
    { key: KEYS.tenant, value: tenant },
    { key: KEYS.agent, value: agent },
    { key: KEYS.state, value: 'open' satisfies SearchState },
  ]);
