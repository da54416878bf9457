/** `startProgram`: a program for one session, in this worker process. */
import { Context } from '@temporalio/activity';
import type { ProgramRef, ProgramStart } from '../../contracts/activities.ts';
import { PerdureError } from '../../contracts/perdure-error.ts';
import type { ModelCatalogue } from '../../contracts/settings.ts';
import type { Journal, SessionRow } from '../../journal/port.ts';
import { translated } from '../failures.ts';
import { systemPrompt } from '../model/context/prompt.ts';
import type { ProgramHost } from './host.ts';

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
      conversation: await lastConversation(journal, input),
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

const MANY = 1_000;

/** What the session's last program left, if it can be gone on with. */
async function lastConversation(
  journal: Journal,
  { sessionId, provider }: ProgramStart,
): Promise<string | undefined> {
  let last: string | undefined;
  for (let after = 0; ;) {
    const page = await journal.events.read(sessionId, {
      ...{ after, limit: MANY, types: ['program.state'] },
    });
    for (const event of page.events)
      if (event.type === 'program.state' && event.data.state === 'terminated')
        last = event.data.provider === provider ? event.data.conversation : undefined;
    if (page.nextAfter <= after) return last;
    after = page.nextAfter;
  }
}

export const createStartProgram = (
  deps: StartDependencies,
): ((input: ProgramStart) => Promise<ProgramRef>) => translated((input) => start(deps, input));
