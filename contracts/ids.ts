/**
 * Identifiers: TypeID (https://github.com/jetify-com/typeid), a type prefix and a UUID in 26 base-32 characters,
 * e.g. `ses_01jd9rk0x3e8wvz5t2m4q7h6na`. New ones are UUIDv7, so they sort by time of creation.
 *
 * Pure, for every process but the workflow sandbox, which only ever sees finished ids and takes the types.
 */
import { TypeID } from 'typeid-js';
import { v5 as uuidV5 } from 'uuid';
import { PerdureError } from './perdure-error.ts';

export type IdPrefix = 'ses' | 'task' | 'msg' | 'call' | 'apr' | 'key' | 'run';
export type Id<P extends IdPrefix> = `${P}_${string}`;
export type SessionId = Id<'ses'>;
export type TaskId = Id<'task'>;
export type MessageId = Id<'msg'>;
export type CallId = Id<'call'>;
export type ApprovalId = Id<'apr'>;
export type KeyId = Id<'key'>;
export type RunnerId = Id<'run'>;
/** What the job endpoints take: a session or a task. */
export type JobId = SessionId | TaskId;

/** The form of an id as a regular expression's source, for schemas and messages; base 32 after Crockford, 128 bits. */
export const idPattern = (prefix: IdPrefix): string => `^${prefix}_[0-7][0-9a-hjkmnp-tv-z]{25}$`;

const patterns = new Map<IdPrefix, RegExp>();

/** True where `value` is a well-formed id with this prefix. */
export function isId<P extends IdPrefix>(prefix: P, value: unknown): value is Id<P> {
  let pattern = patterns.get(prefix);
  if (!pattern) patterns.set(prefix, (pattern = new RegExp(idPattern(prefix))));
  return typeof value === 'string' && pattern.test(value);
}

/** What a person should have sent, for error messages: `a session id such as ses_01jd… (…)`. */
export const expectedId = (...prefixes: IdPrefix[]): string =>
  `expected ${prefixes.map((prefix) => `"${prefix}_"`).join(' or ')} followed by 26 lower-case base-32 characters, such as ${prefixes[0]}_01jd9rk0x3e8wvz5t2m4q7h6na`;

/**
 * Reads an id given by a person or a program.
 * @throws {PerdureError} `invalid_id`, whose message says what was expected.
 */
export function parseId<P extends IdPrefix>(value: unknown, ...prefixes: P[]): Id<P> {
  const found = prefixes.find((prefix) => isId(prefix, value));
  if (found !== undefined) return value as Id<P>;
  throw new PerdureError(
    'invalid_id',
    `${JSON.stringify(value)?.slice(0, 80)} is not a valid id: ${expectedId(...prefixes)}.`,
  );
}

/** A new id; ids made later sort later. */
export const newId = <P extends IdPrefix>(prefix: P): Id<P> =>
  new TypeID(prefix).toString() as Id<P>;

/** Perdure's own UUIDv5 namespace (RFC 9562, section 5.5); changing it would change every derived id. */
const NAMESPACE = '6c1a1b52-3f0e-5d6b-9a51-0f7f2c8c4f11';

/** The same id for the same words, e.g. of a session from its tenant and idempotency key. */
export const deriveId = <P extends IdPrefix>(prefix: P, ...words: string[]): Id<P> =>
  TypeID.fromUUID(prefix, uuidV5(JSON.stringify(words), NAMESPACE)).toString() as Id<P>;
