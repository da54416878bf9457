import { describe, expect, it } from 'vitest';
import { isInRange, isPublic } from '../../../activities/tools/fetch/addresses.ts';

describe('a public address', () => {
  it.each(['8.8.8.8', '93.184.215.14', '2606:4700::1111', '2a00:1450:4001::200e'])(
    'is %s',
    (address) => {
      expect(isPublic(address)).toBe(true);
    },
  );

  it.each([
    ...['0.0.0.0', '10.255.255.255', '100.127.255.255', '127.255.255.254', '169.254.169.254'],
    ...['172.31.255.255', '192.0.0.192', '192.0.2.1', '192.88.99.1', '192.168.0.1', '198.18.0.1'],
    ...['198.51.100.1', '203.0.113.1', '224.0.0.1', '240.0.0.1', '255.255.255.255'],
    ...[
      '::',
      '::1',
      '::7f00:1',
      '::ffff:8.8.8.8',
      '::ffff:0:8.8.8.8',
      '64:ff9b::808:808',
      '100::1',
    ],
    ...['2001::1', '2001:db8::1', '2002:808:808::1', '3fff::1', '4000::1', '5f00::1', 'fc00::1'],
    ...['fd00:ec2::254', 'fe80::1', 'fe80::1%eth0', 'fec0::1', 'ff02::1', '2600::200:5efe:7f00:1'],
    ...['', 'localhost', '127.1', '1.2.3.4.5'],
  ])('is not %j', (address) => {
    expect(isPublic(address)).toBe(false);
  });
});

describe('a range of addresses', () => {
  it('holds its own, in any writing', () => {
    expect(isInRange('10.1.2.3', '10.1.0.0/16')).toBe(true);
    expect(isInRange('::ffff:10.1.2.3', '10.1.0.0/16')).toBe(true);
    expect(isInRange('10.2.2.3', '10.1.0.0/16')).toBe(false);
    expect(isInRange('fd00::1', 'fd00::/8')).toBe(true);
    expect(isInRange('fd00::1', '10.0.0.0/8')).toBe(false);
    expect(isInRange('127.0.0.1', '127.0.0.1')).toBe(true);
    expect(isInRange('127.0.0.1', 'intranet')).toBe(false);
    expect(isInRange('no address', '0.0.0.0/0')).toBe(false);
  });
});
