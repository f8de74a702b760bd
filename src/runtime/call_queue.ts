/** Runs calls one after another, in the order in which they were made. */
export class CallQueue {
  #last: Promise<unknown> = Promise.resolve();

  /**
   * Runs `work` once all earlier calls have settled.
   *
   * @throws the signal's reason, at once, if it aborts before the call's turn; afterwards `work` alone decides
   */
  async run<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    signal?.throwIfAborted();
    let hasStarted = false;
    const turn = this.#last.then(() => {
      signal?.throwIfAborted();
      hasStarted = true;
      return work();
    });
    this.#last = turn.catch(() => undefined);
    if (!signal) return await turn;
    return await new Promise((resolve, reject) => {
      const abort = (): void => {
        if (!hasStarted) reject(signal.reason as Error);
      };
      signal.addEventListener('abort', abort, { once: true });
      turn.then(resolve, reject).finally(() => {
        signal.removeEventListener('abort', abort);
      });
    });
  }
}
