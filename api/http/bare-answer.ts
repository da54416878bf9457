/** Problem documents on a bare connection: before a WebSocket's handshake, and where what came is no HTTP at all. */
import { randomUUID } from 'node:crypto';
import { maxHeaderSize, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { ConnectionError } from 'fastify';
import { PerdureError } from '../../contracts/perdure-error.ts';
import { HttpRefusal } from '../http-refusal.ts';
import { problemOf } from './problem.ts';

/** What still comes is read for this long: closing at once would reset the connection, and the client might lose the answer. */
const LINGER_MS = 1_000;

export function answerBare(duplex: Duplex, error: PerdureError): void {
  const problem = problemOf(error, randomUUID());
  const body = JSON.stringify(problem);
  duplex.end(
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}\r\n` +
      `Content-Type: application/problem+json; charset=utf-8\r\nX-Request-Id: ${problem.requestId}\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
  duplex.resume();
  const timer = setTimeout(() => duplex.destroy(), LINGER_MS);
  duplex.once('close', () => clearTimeout(timer));
}

/** Node's parser gave up on what a client sent. */
export function refuseMalformed(error: ConnectionError, socket: Socket): void {
  // What comes after the first error is no HTTP either, and was answered with it.
  if (socket.writableEnded) return;
  if (error.code === 'ECONNRESET' || !socket.writable) socket.destroy();
  else answerBare(socket, refusalOf(error));
}

function refusalOf(error: ConnectionError & { readonly reason?: string }): PerdureError {
  if (error.code === 'HPE_HEADER_OVERFLOW')
    return new HttpRefusal(
      'invalid_input',
      `The head of the request: expected at most ${maxHeaderSize} bytes.`,
      { status: 431, cause: error },
    );
  if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT')
    return new HttpRefusal('invalid_input', 'The request did not come in time.', {
      status: 408,
      cause: error,
    });
  return new PerdureError(
    'invalid_input',
    `This is no valid HTTP/1.1 request: ${error.reason ?? error.message}.`,
    { cause: error },
  );
}
