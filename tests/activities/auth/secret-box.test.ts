import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { createSecretBox } from '../../../activities/auth/secret-box.ts';

const PLACE = { tenant: 'local', name: 'gateway' };
const key = () => randomBytes(32);

test('what is sealed opens again in its place, and each seal looks different', () => {
  const box = createSecretBox({ current: key(), old: [] });
  const [one, other] = [box.seal('Tökens', PLACE), box.seal('Tökens', PLACE)];
  expect(one).not.toBe(other);
  expect(one).not.toContain(Buffer.from('Tökens').toString('base64url'));
  expect(box.open(one, PLACE)).toEqual({ text: 'Tökens', outdated: false });
});

test('it opens neither for another tenant nor under another name', () => {
  const box = createSecretBox({ current: key(), old: [] });
  const sealed = box.seal('x', PLACE);
  expect(box.open(sealed, { ...PLACE, tenant: 'acme' })).toBeUndefined();
  expect(box.open(sealed, { ...PLACE, name: 'other' })).toBeUndefined();
});

test('a key of before still opens it, and says so', () => {
  const [old, current] = [key(), key()];
  const sealed = createSecretBox({ current: old, old: [] }).seal('x', PLACE);
  expect(createSecretBox({ current, old: [old] }).open(sealed, PLACE)).toEqual({
    text: 'x',
    outdated: true,
  });
  expect(createSecretBox({ current, old: [] }).open(sealed, PLACE)).toBeUndefined();
});

test('whatever was changed in it does not open', () => {
  const box = createSecretBox({ current: key(), old: [] });
  const sealed = box.seal('a secret of some length', PLACE);
  const [format, id, body = ''] = sealed.split('.');
  const bytes = Buffer.from(body, 'base64url');
  for (const at of bytes.keys()) {
    const changed = Buffer.from(bytes);
    changed[at]! ^= 1;
    expect(box.open([format, id, changed.toString('base64url')].join('.'), PLACE)).toBeUndefined();
  }
  for (const wrong of [
    '',
    'v1',
    'v1.x',
    `v2.${id}.${body}`,
    `v1.${id}.AAAA`,
    `v1.00000000.${body}`,
  ])
    expect(box.open(wrong, PLACE)).toBeUndefined();
});
