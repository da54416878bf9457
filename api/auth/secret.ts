import { createHash, randomBytes } from 'node:crypto';

const PREFIX = 'pdk_';
/** 32 random bytes in base64url without padding. */
const PATTERN = /^pdk_[A-Za-z0-9_-]{43}$/;

/** A new key: shown once, never stored. */
export const newSecret = (): string => PREFIX + randomBytes(32).toString('base64url');

export const isSecret = (text: string): boolean => PATTERN.test(text);

/** What the journal keeps. A plain hash is enough for 256 random bits: there is nothing to guess. */
export const hashSecret = (secret: string): string =>
  createHash('sha256').update(secret).digest('hex');
