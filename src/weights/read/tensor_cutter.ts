/** Cuts the bytes of files into those of tensors. */
import type { TensorInfo } from '../format/tensor_info.ts';
import { abortable } from './waiting.ts';

/** Takes tensors one after another. */
export interface TensorSink<Info extends TensorInfo = TensorInfo> {
  /**
   * Takes bytes of a tensor, which begin at byte `offset` of it. Offsets are multiples of 8, and so are all lengths but
   * that of a tensor's last bytes. `bytes` may be overwritten once the returned promise resolves.
   */
  write(info: Info, offset: number, bytes: Uint8Array): void | Promise<void>;
  /** Called after the last bytes of a tensor. */
  end(info: Info): void | Promise<void>;
}

/**
 * Shorter runs of bytes are collected before they go to the sink: a call into the GPU's queue costs more than the copy.
 */
const MIN_DIRECT_BYTES = 128 * 1024;
const STAGING_BYTES = 1024 * 1024;

/** Cuts bytes at the tensors' borders, drops those between tensors, and aligns the cuts to multiples of 8. */
export class TensorCutter<Info extends TensorInfo> {
  readonly #staging = new Uint8Array(STAGING_BYTES);
  #staged = 0;
  /** The current tensor, and the bytes of it that the sink has taken. */
  #index = 0;
  #written = 0;

  constructor(
    readonly tensors: readonly Info[],
    readonly sink: TensorSink<Info>,
    readonly signal: AbortSignal | undefined,
    readonly report: (file: string, bytes: number, position: number) => void,
  ) {}

  /** Takes bytes of `file` that begin at `position`. Calls come in the order of files and positions. */
  async push(file: string, position: number, bytes: Uint8Array): Promise<void> {
    const end = position + bytes.length;
    for (;;) {
      const tensor = this.tensors[this.#index];
      if (tensor === undefined) return;
      const isEmpty = tensor.start === tensor.end; // no bytes will ever arrive for it
      if (!isEmpty && (tensor.file !== file || tensor.start >= end)) return;
      if (!isEmpty) {
        const from = tensor.start + this.#written + this.#staged;
        await this.#take(tensor, bytes.subarray(from - position, Math.min(tensor.end, end) - position));
        if (tensor.end > end) return;
      }
      await this.#end(tensor);
    }
  }

  /** Ends the empty tensors after the last byte. */
  async finish(): Promise<void> {
    for (let tensor = this.tensors[this.#index]; tensor !== undefined; tensor = this.tensors[this.#index])
      await this.#end(tensor);
  }

  async #take(tensor: Info, bytes: Uint8Array): Promise<void> {
    let rest = bytes;
    while (rest.length > 0) {
      if (rest.length >= MIN_DIRECT_BYTES) {
        if (this.#staged > 0) {
          rest = this.#stage(rest, -this.#staged & 7);
          await this.#flush(tensor);
        }
        const isLast = tensor.start + this.#written + rest.length === tensor.end;
        const whole = isLast ? rest.length : rest.length - (rest.length % 8);
        await this.#write(tensor, rest.subarray(0, whole));
        rest = rest.subarray(whole);
      } else {
        rest = this.#stage(rest, this.#staging.length - this.#staged);
        if (this.#staged === this.#staging.length) await this.#flush(tensor);
      }
    }
  }

  /** Collects up to `count` bytes. Returns the others. */
  #stage(bytes: Uint8Array, count: number): Uint8Array {
    const staged = bytes.subarray(0, count);
    this.#staging.set(staged, this.#staged);
    this.#staged += staged.length;
    return bytes.subarray(staged.length);
  }

  async #end(tensor: Info): Promise<void> {
    if (this.#staged > 0) await this.#flush(tensor);
    await this.#wait(this.sink.end(tensor));
    this.#index++;
    this.#written = 0;
  }

  async #flush(tensor: Info): Promise<void> {
    const bytes = this.#staging.subarray(0, this.#staged);
    this.#staged = 0;
    await this.#write(tensor, bytes);
  }

  async #write(tensor: Info, bytes: Uint8Array): Promise<void> {
    await this.#wait(this.sink.write(tensor, this.#written, bytes));
    this.#written += bytes.length;
    this.report(tensor.file, bytes.length, tensor.start + this.#written);
  }

  /** Waits for the sink, but not beyond an abort. */
  async #wait(pending: void | Promise<void>): Promise<void> {
    this.signal?.throwIfAborted();
    if (pending !== undefined) await abortable(pending, this.signal);
  }
}
