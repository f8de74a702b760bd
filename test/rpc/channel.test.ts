// Two ends of a channel in one thread: calls, reports, aborts, moved buffers, and errors in their own class.
import { expect, test } from 'vitest';
import { FormatError, InputError, SourceError } from '../../src/errors.ts';
import { Channel, type Handlers } from '../../src/rpc/channel.ts';

interface EchoMethods {
  readonly echo: { readonly args: unknown; readonly result: unknown };
  readonly count: { readonly args: number; readonly result: string; readonly report: number };
  readonly wait: { readonly args: undefined; readonly result: string };
  readonly move: { readonly args: ArrayBuffer; readonly result: ArrayBuffer };
  readonly fail: { readonly args: string; readonly result: undefined };
}

function connect(handlers: Partial<Handlers<EchoMethods>>) {
  const { port1, port2 } = new MessageChannel();
  const all: Handlers<EchoMethods> = {
    echo: (args) => args,
    count: () => '',
    wait: () => '',
    move: (buffer) => buffer,
    fail: () => undefined,
    ...handlers,
  };
  new Channel<Record<never, never>, EchoMethods>(port2, all);
  const caller = new Channel<EchoMethods, Record<never, never>>(port1, {});
  port1.start();
  port2.start();
  return { caller, port: port1, close: () => port1.close() };
}

test('a call gives the result of the method, and reports arrive before it', async () => {
  const { caller, close } = connect({
    count: (most, { report }) => {
      for (let i = 1; i <= most; i++) report(i);
      return 'done';
    },
  });
  const seen: number[] = [];
  const result = await caller.call('count', 3, { onReport: (event) => seen.push(event) });
  expect([seen, result]).toEqual([[1, 2, 3], 'done']);
  close();
});

test('a buffer is moved there and back without a copy', async () => {
  const { caller, close } = connect({
    move: (buffer, { transfer }) => {
      transfer(buffer);
      return buffer;
    },
  });
  const sent = new ArrayBuffer(8);
  const back = await caller.call('move', sent, { transfer: [sent] });
  expect([sent.byteLength, back.byteLength]).toEqual([0, 8]);
  close();
});

test('an abort rejects the call at once with its reason, aborts the method, and hands over a late result', async () => {
  const controller = new AbortController();
  let reason: unknown;
  const { caller, close } = connect({
    wait: (_, { signal }) =>
      new Promise((resolve) => {
        signal.addEventListener('abort', () => {
          reason = signal.reason;
          resolve('late');
        });
      }),
  });
  const late = new Promise((resolve) => {
    void caller.call('wait', undefined, { signal: controller.signal, onLateResult: resolve }).catch(() => undefined);
  });
  const rejected = caller.call('wait', undefined, { signal: controller.signal });
  controller.abort(new InputError('enough'));
  await expect(rejected).rejects.toBe(controller.signal.reason);
  expect(await late).toBe('late');
  expect(reason).toBeInstanceOf(InputError);
  close();
});

test('errors keep their class, their fields and their causes', async () => {
  const thrown = {
    source: new SourceError('not there', { status: 404, cause: new TypeError('offline') }),
    format: new FormatError('wrong-model', 'other model', { needed: 'owner/name' }),
  };
  const { caller, close } = connect({
    fail: (name) => {
      throw Reflect.get(thrown, name);
    },
  });
  const source: unknown = await caller.call('fail', 'source').catch((error: unknown) => error);
  expect(source).toBeInstanceOf(SourceError);
  expect(source).toMatchObject({ status: 404, message: 'not there', cause: { name: 'TypeError', message: 'offline' } });
  const format: unknown = await caller.call('fail', 'format').catch((error: unknown) => error);
  expect(format).toBeInstanceOf(FormatError);
  expect(format).toMatchObject({ problem: 'wrong-model', needed: 'owner/name' });
  close();
});

test('arguments that cannot be cloned reject their call and leave nothing pending', async () => {
  const { caller, close } = connect({});
  await expect(caller.call('echo', () => 1)).rejects.toThrow(/argument of echo cannot be sent.*could not be cloned/);
  expect(await caller.call('echo', 'still works')).toBe('still works');
  close();
});

test('after close every call rejects with its error', async () => {
  const { caller, close } = connect({ wait: () => new Promise(() => undefined) });
  const running = caller.call('wait', undefined);
  caller.close(new InputError('closed'));
  await expect(running).rejects.toThrow('closed');
  await expect(caller.call('echo', 1)).rejects.toThrow('closed');
  close();
});

test('other messages on the same port are ignored', async () => {
  const { caller, port, close } = connect({});
  for (const message of [null, 'ready', { type: 'call', id: 0 }, { channel: 'other', type: 'result', id: 0 }]) {
    port.postMessage(message);
  }
  expect(await caller.call('echo', 5)).toBe(5);
  close();
});
