import { deflateSync } from 'node:zlib';

/** The header and as much of the rest as makes it `length` bytes. */
export function png(width: number, height: number, length = 100): Buffer {
  const header = Buffer.alloc(33);
  header.write('\u0089PNG\r\n\u001a\n\0\0\0\rIHDR', 'latin1');
  header.writeUInt32BE(width, 16);
  header.writeUInt32BE(height, 20);
  const rest = deflateSync(Buffer.alloc(Math.max(0, length - 33)), { level: 0 });
  return Buffer.concat([header, rest]).subarray(0, length);
}
