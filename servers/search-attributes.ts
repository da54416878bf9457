/** The search attributes that sessions set. A start with an unregistered one fails, so every way to run Perdure registers them. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection } from '@temporalio/client';
import { SEARCH_ATTRIBUTES } from '../contracts/names.ts';
import type { SearchAttributeType } from './dev-server.ts';

export const SEARCH_ATTRIBUTE_TYPES: Readonly<Record<string, SearchAttributeType>> =
  Object.fromEntries(Object.values(SEARCH_ATTRIBUTES).map((name) => [name, 'Keyword'] as const));

/** temporal.api.enums.v1.IndexedValueType */
const KEYWORD = 2;
/** A namespace learns of new attributes from a cache that is refreshed every few seconds. */
const KNOWN_WITHIN_MS = 60_000;
const POLL_MS = 250;

/** Names that the namespace does not know. */
export async function missingSearchAttributes(
  connection: Connection,
  namespace: string,
): Promise<readonly string[]> {
  const known = await connection.operatorService.listSearchAttributes({ namespace });
  return Object.keys(SEARCH_ATTRIBUTE_TYPES).filter((name) => !known.customAttributes?.[name]);
}

/** Adds those that are missing and waits until the server knows them. @returns the names added */
export async function registerSearchAttributes(
  connection: Connection,
  namespace: string,
): Promise<readonly string[]> {
  const missing = await missingSearchAttributes(connection, namespace);
  if (missing.length === 0) return [];
  const searchAttributes = Object.fromEntries(missing.map((name) => [name, KEYWORD]));
  await connection.operatorService.addSearchAttributes({ namespace, searchAttributes });
  const deadline = Date.now() + KNOWN_WITHIN_MS;
  while ((await missingSearchAttributes(connection, namespace)).length > 0) {
    if (Date.now() > deadline) throw new Error(`Temporal did not take up ${missing.join(', ')}.`);
    await sleep(POLL_MS);
  }
  return missing;
}
