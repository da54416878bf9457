/** One run of a session's workflow: its state, and what it can ask of the world. */
import { setCurrentDetails } from '@temporalio/workflow';
import type { ProgramRef, StepRef } from '../../contracts/activities.ts';
import type { Activities } from './activities.ts';
import type { OpenTurn, Session } from './state.ts';
import { story } from './story.ts';

export interface Run {
  readonly session: Session;
  readonly activities: Activities;
  /** A program that is being started, for whoever needs it. */
  readonly programs: { starting: Promise<ProgramRef> | undefined };
}

/** Tells the Temporal UI where the session stands. Free: it is read by a query. */
export const tell = ({ session }: Run): void => setCurrentDetails(story(session));

/** The step that is open. */
export const stepRef = ({ session }: Run, turn: OpenTurn): StepRef => ({
  sessionId: session.start.sessionId,
  turn: turn.id,
  step: turn.step,
});
