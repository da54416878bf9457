/** What a server has given it gives once: a journal that is away for a moment must not lose it. */
import { setTimeout as delay } from 'node:timers/promises';
import type { ActivityLog } from '../observed.ts';

/** With the waits between them some 25 s: an activity that saves has a minute for it. */
const SAVE_TRIES = 7;
/** Doubled with each try. */
const FIRST_WAIT_MS = 400;

/** What was given is lost. */
export class NotSaved extends Error {
  constructor(cause: unknown) {
    super('the new token could not be stored', { cause });
    this.name = 'NotSaved';
  }
}

interface Saving {
  readonly name: string;
  readonly log: ActivityLog;
}

/** @throws {NotSaved} after the last try */
export async function persistently<T>({ name, log }: Saving, save: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await save();
    } catch (error) {
      if (tries === SAVE_TRIES) throw new NotSaved(error);
      log.warn({ credential: name, err: error }, 'a new token is not stored yet');
      await delay(FIRST_WAIT_MS * 2 ** (tries - 1));
    }
  }
}
