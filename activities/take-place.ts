/** A place among a tenant's open sessions, for one that is reopened by its own workflow. */
import type { SessionActivities } from '../contracts/activities.ts';
import { PerdureError } from '../contracts/perdure-error.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { translated } from './failures.ts';

export const createTakePlace = ({
  journal,
}: Pick<ActivityDependencies, 'journal'>): SessionActivities['takePlace'] =>
  translated(async (sessionId, most) => {
    try {
      await journal.sessions.reserve(sessionId, most);
      return true;
    } catch (error) {
      // An answer, and no reason to try again: the session would wait at its end until another one ends.
      if (error instanceof PerdureError && error.code === 'rate_limited') return false;
      throw error;
    }
  });
