/**
 * Counts the JavaScript time of the submits on a device: from a command encoder's creation to the call that waits for
 * its work.
 */
export interface JsClock {
  /** Milliseconds and submits since the last call. */
  take(): { readonly ms: number; readonly submits: number };
}

/** Watches a device. The first encoder of a submit starts the clock, `onSubmittedWorkDone` stops it. */
export function jsClock(device: GPUDevice): JsClock {
  let ms = 0;
  let submits = 0;
  let started: number | undefined;
  const { queue } = device;
  const createCommandEncoder = device.createCommandEncoder.bind(device);
  const submit = queue.submit.bind(queue);
  const onSubmittedWorkDone = queue.onSubmittedWorkDone.bind(queue);
  device.createCommandEncoder = (descriptor) => {
    started ??= performance.now();
    return createCommandEncoder(descriptor);
  };
  queue.submit = (buffers) => {
    submits++;
    return submit(buffers);
  };
  queue.onSubmittedWorkDone = () => {
    const done = onSubmittedWorkDone();
    if (started !== undefined) ms += performance.now() - started;
    started = undefined;
    return done;
  };
  return {
    take() {
      const taken = { ms, submits };
      ms = 0;
      submits = 0;
      started = undefined;
      return taken;
    },
  };
}
