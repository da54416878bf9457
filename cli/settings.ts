import { SettingsError } from '../config/problems.ts';
import { loadSettings } from '../config/load.ts';
import type { LoadOptions } from '../config/load.ts';
import type { Settings } from '../config/settings.ts';
import { CommandFailed, EXIT } from './exit-codes.ts';

/** The settings of the folder that the command was started in. @throws {CommandFailed} with every problem */
export async function readSettings(options: Partial<LoadOptions> = {}): Promise<Settings> {
  try {
    return await loadSettings({ cwd: process.cwd(), env: process.env, ...options });
  } catch (error) {
    throw forPerson(error);
  }
}

/** Wrong settings are told to a person, without our stack. */
export const forPerson = (error: unknown): unknown =>
  error instanceof SettingsError ? new CommandFailed(error.message, EXIT.settings) : error;

export function throwForPerson(error: unknown): never {
  throw forPerson(error);
}
