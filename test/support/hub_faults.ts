// Faults between a server and a page, which tests choose.
import type { ServerResponse } from 'node:http';

/** The fault of one response. */
export interface Fault {
  /** The response has this status, and `headers`, instead of the file. */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** The connection closes after this many bytes of the body. */
  readonly dropAfter?: number;
  /** The server falls silent after this many bytes of the body. */
  readonly stallAfter?: number;
  /** The server never sends the file's bytes from this one on. */
  readonly holdFrom?: number;
  /** The body ends after this many bytes as if it were complete. */
  readonly truncateAfter?: number;
  /** Added to both ends of Content-Range. */
  readonly shiftRange?: number;
  /** The lowest bit of this byte of the file is flipped. */
  readonly flipBit?: number;
  /** The server ignores ranges: it sends the whole file with status 200. */
  readonly ignoreRange?: boolean;
  /** The response has this ETag instead of the file's. */
  readonly etag?: string;
  /** The response lacks Access-Control-Allow-Origin. */
  readonly hideFromPages?: boolean;
  /** Milliseconds before the body. */
  readonly delay?: number;
  /** The body waits for this. */
  readonly after?: Promise<unknown>;
  /** Bytes per second. */
  readonly rate?: number;
}

const pieceBytes = 2 ** 20;

/** Sends the bytes `[start, end)`, with the fault if there is one. */
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
