/** Encrypts what is stored: AES-256-GCM, bound to the tenant and the name that it is stored under. */
import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import type { SecretKeys } from '../../contracts/credentials.ts';

/** What a secret belongs to: it opens nowhere else. */
export interface Place {
  readonly tenant: string;
  readonly name: string;
}

export interface Opened {
  readonly text: string;
  /** Sealed with a key of before: seal it again. */
  readonly outdated: boolean;
}

export interface SecretBox {
  seal(text: string, place: Place): string;
  /** @returns undefined where no key opens it, or it was changed or moved */
  open(sealed: string, place: Place): Opened | undefined;
}

const ALGORITHM = 'aes-256-gcm';
const FORMAT = 'v1';
/** NIST SP 800-38D: 96 bits, random; far fewer than 2^32 seals a key. */
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** Tells keys apart and says nothing about them. */
const idOf = (key: Uint8Array): string =>
  createHash('sha256').update('perdure key id').update(key).digest('hex').slice(0, 8);

const boundTo = ({ tenant, name }: Place, keyId: string): Buffer =>
  Buffer.from(JSON.stringify([FORMAT, keyId, tenant, name]));

export function createSecretBox({ current, old }: SecretKeys): SecretBox {
  const currentId = idOf(current);
  const keys = new Map([...old, current].map((key) => [idOf(key), key]));
  return {
    seal(text, place) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv(ALGORITHM, current, nonce);
      cipher.setAAD(boundTo(place, currentId));
      const sealed = Buffer.concat([nonce, cipher.update(text, 'utf8'), cipher.final()]);
      const whole = Buffer.concat([sealed, cipher.getAuthTag()]);
      return [FORMAT, currentId, whole.toString('base64url')].join('.');
    },

    open(sealed, place) {
      const [format, keyId = '', body = ''] = sealed.split('.');
      const key = keys.get(keyId);
      const bytes = Buffer.from(body, 'base64url');
      if (format !== FORMAT || !key || bytes.length < NONCE_BYTES + TAG_BYTES) return undefined;
      const decipher = createDecipheriv(ALGORITHM, key, bytes.subarray(0, NONCE_BYTES));
      decipher.setAAD(boundTo(place, keyId));
      decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
      try {
        const text = decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES));
        return {
          text: Buffer.concat([text, decipher.final()]).toString('utf8'),
          outdated: keyId !== currentId,
        };
      } catch {
        return undefined;
      }
    },
  };
}
