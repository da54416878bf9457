/** What no schema says but no input may hold: it would be refused, mangled or dangerous further on. */
import { PerdureError } from '../contracts/perdure-error.ts';

/** Deeper JSON is nobody's message; it would only exhaust a validator's stack. */
const MAX_DEPTH = 64;

/** @throws invalid_input, naming the field */
export function refuseUnsafe(value: unknown, path = '', depth = 0): void {
  if (typeof value === 'string') return refuseUnsafeText(value, path);
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return;
  if (depth > MAX_DEPTH) throw unsafe(path.slice(0, 60), `nested more than ${MAX_DEPTH} deep`);
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) refuseUnsafe(item, `${path}[${index}]`, depth + 1);
    return;
  }
  for (const key of Object.keys(value)) {
    const at = path === '' ? key : `${path}.${key}`;
    if (key === '__proto__' || reachesPrototype(key, value))
      throw unsafe(at, 'this name is not allowed');
    refuseUnsafeText(key, path);
    refuseUnsafe((value as Record<string, unknown>)[key], at, depth + 1);
  }
}

/** As `constructor.prototype` it would, for whoever merges this into an object. */
function reachesPrototype(key: string, value: object): boolean {
  if (key !== 'constructor') return false;
  const inner = (value as Record<string, unknown>)[key];
  return typeof inner === 'object' && inner !== null && Object.hasOwn(inner, 'prototype');
}

/** PostgreSQL stores no NUL, and a lone surrogate is not text in any encoding. */
function refuseUnsafeText(text: string, path: string): void {
  if (text.includes('\0')) throw unsafe(path, 'holds a NUL character; remove it');
  if (!text.isWellFormed())
    throw unsafe(path, 'holds half a surrogate pair, so it is not valid Unicode');
}

const unsafe = (path: string, text: string): PerdureError =>
  new PerdureError(
    'invalid_input',
    `${path === '' ? 'The input' : `"${path}"`}: ${text}.`,
    path === '' ? {} : { field: path },
  );
