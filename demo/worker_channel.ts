/** Calls between the page and its own workers, over the library's channel. */
import { Channel, type Handlers, type Methods } from '../src/rpc/channel.ts';

type NoMethods = Record<never, never>;

/** The page's end: calls methods of a worker. */
export type Remote<M extends Methods<M>> = Pick<Channel<M, NoMethods>, 'call'>;

/** Connects to a worker. Calls reject if its script fails to load. */
export function connect<M extends Methods<M>>(worker: Worker): Remote<M> {
  const channel = new Channel<M, NoMethods>(worker, {});
  worker.addEventListener('error', ({ message }) => {
    channel.close(new Error(`A worker of the page failed: ${message || 'its script could not be loaded.'}`));
  });
  return channel;
}

/** Serves the methods of this worker. */
export function serve<M extends Methods<M>>(handlers: Handlers<M>): void {
  new Channel<NoMethods, M>(self, handlers);
}
