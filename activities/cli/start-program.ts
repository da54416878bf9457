/** `startProgram`: a program for one session, in this worker process. */
import { Context } from '@temporalio/activity';
import type { ProgramRef, ProgramStart } from '../../contracts/activities.ts';
import { PerdureError } from '../../contracts/perdure-error.ts';
import type { ModelCatalogue } from '../../contracts/settings.ts';
import type { Journal, SessionRow } from '../../journal/port.ts';
import { translated } from '../failures.ts';
import { systemPrompt } from '../model/context/prompt.ts';
import type { ProgramHost } from './host.ts';
import { lastConversation } from './last-conversation.ts';

export interface StartDependencies {
  readonly journal: Journal;
  readonly catalogue: ModelCatalogue;
  /** Undefined where this worker runs none. */
  readonly programs?: ProgramHost | undefined;
}

async function start(deps: StartDependencies, input: ProgramStart): Promise<ProgramRef> {
  const { journal, programs } = deps;
  if (!programs)
    throw new PerdureError(
      'model_rejected',
      'No agent of this worker has a program as its engine.',
    );
  const session = await journal.sessions.get(input.sessionId);
  if (!session)
    throw new PerdureError('state_corrupt', `the journal has no session ${input.sessionId}`);
  const { sessionId, provider, idleMs } = input;
  return programs.start(
    {
      ...{ sessionId, provider, idleMs },
      instructions: instructionsFor(deps, session),
      workspace: session.workspace,
      ...(await lastConversation(journal, input)),
    },
    Context.current().cancellationSignal,
  );
}

function instructionsFor({ catalogue }: StartDependencies, session: SessionRow): string {
  const agent = catalogue.agents[session.agent];
  if (!agent) return '';
  const { workspace, model } = session;
  const date = new Date().toISOString().slice(0, 10);
  return systemPrompt(agent, { agent: session.agent, workspace, model, date });
}

export const createStartProgram = (
  deps: StartDependencies,
): ((input: ProgramStart) => Promise<ProgramRef>) => translated((input) => start(deps, input));
