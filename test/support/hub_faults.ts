// What can go wrong between a server and a page, at the wish of a test.
import type { ServerResponse } from 'node:http';

/** What goes wrong with one answer. */
export interface Fault {
  /** This status instead of the file, with `headers`. */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** The connection is cut after so many bytes of body. */
  readonly dropAfter?: number;
  /** Nothing more comes after so many bytes of body. */
  readonly stallAfter?: number;
  /** Bytes of the file from this one on never come. */
  readonly holdFrom?: number;
  /** The body ends after so many bytes as if that were all. */
  readonly truncateAfter?: number;
  /** Added to both ends of Content-Range. */
  readonly shiftRange?: number;
  /** The lowest bit of this byte of the file is wrong. */
  readonly flipBit?: number;
  /** All of the file with status 200, whatever was asked for. */
  readonly ignoreRange?: boolean;
  /** Another ETag than the file's. */
  readonly etag?: string;
  /** No Access-Control-Allow-Origin. */
  readonly hideFromPages?: boolean;
  /** Milliseconds before the answer. */
  readonly delay?: number;
  /** The body waits for this. */
  readonly after?: Promise<unknown>;
  /** Bytes per second. */
  readonly rate?: number;
}

const pieceBytes = 2 ** 20;

/** Sends the bytes `[start, end)` as they are wanted, or as the fault wants it. */
export async function sendBytes(
  response: ServerResponse,
  entry: { sent: number },
  fault: Fault | undefined,
  start: number,
  end: number,
  read: (start: number, end: number) => Uint8Array,
): Promise<void> {
  const limit = Math.min(fault?.dropAfter ?? Infinity, fault?.stallAfter ?? Infinity, fault?.truncateAfter ?? Infinity);
  const stop = Math.max(start, Math.min(end, start + limit, fault?.holdFrom ?? Infinity));
  const piece = fault?.rate === undefined ? pieceBytes : Math.min(pieceBytes, Math.max(4096, fault.rate / 20));
  if (fault?.delay !== undefined) await wait(fault.delay);
  await fault?.after;
  for (let at = start; at < stop && !response.destroyed;) {
    const to = Math.min(stop, at + piece);
    let bytes = read(at, to);
    const flipped = fault?.flipBit;
    if (flipped !== undefined && flipped >= at && flipped < to) {
      bytes = bytes.slice();
      bytes[flipped - at]! ^= 1;
    }
    entry.sent += bytes.length;
    at = to;
    if (!response.write(bytes)) await drained(response);
    if (fault?.rate !== undefined) await wait((1000 * bytes.length) / fault.rate);
  }
  if (stop === end) response.end();
  else if (fault?.stallAfter !== undefined || fault?.holdFrom !== undefined) return;
  else if (fault?.truncateAfter !== undefined) response.end();
  else response.socket?.end(); // not destroy(): a reset also takes bytes away that have not been read yet
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off('drain', done);
      response.off('close', done);
      resolve();
    };
    if (response.destroyed) return resolve();
    response.on('drain', done);
    response.on('close', done);
  });
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
