// Types only: a model on the page and one in a worker have the same members, so code can take either.
import { expectTypeOf, test } from 'vitest';
import type {
  AutoencoderDC,
  AutoencoderModel,
  DecodeOptions,
  EncodeOptions,
  Latent,
  LoadOptions,
  ModelLatent,
  ModelSample,
  Sample,
  WorkerAutoencoderDC,
  WorkerLatent,
  WorkerSample,
} from '../../src/index.ts';
import type { SentDecodeOptions, SentEncodeOptions, SentLoadOptions } from '../../src/worker/sent_options.ts';

test('models on the page and in a worker satisfy one interface', () => {
  expectTypeOf<AutoencoderDC>().toExtend<AutoencoderModel>();
  expectTypeOf<WorkerAutoencoderDC>().toExtend<AutoencoderModel>();
  expectTypeOf<Latent>().toExtend<ModelLatent>();
  expectTypeOf<WorkerLatent>().toExtend<ModelLatent>();
  expectTypeOf<Sample>().toExtend<ModelSample>();
  expectTypeOf<WorkerSample>().toExtend<ModelSample>();
});

test('a model has no member outside the interface, apart from those of its worker', () => {
  expectTypeOf<Exclude<keyof AutoencoderDC, '__v_skip'>>().toEqualTypeOf<keyof AutoencoderModel>();
  type OfWorker = 'codec' | 'id' | '__v_skip';
  expectTypeOf<Exclude<keyof WorkerAutoencoderDC, OfWorker>>().toEqualTypeOf<keyof AutoencoderModel>();
});

test('every option reaches the worker, or has its effect on the page', () => {
  type OnPage = 'signal' | 'onProgress' | 'onProfile' | 'onWarning';
  expectTypeOf<Exclude<keyof LoadOptions, OnPage | 'device' | 'fetch'>>().toEqualTypeOf<keyof SentLoadOptions>();
  expectTypeOf<Exclude<keyof EncodeOptions, OnPage>>().toEqualTypeOf<Exclude<keyof SentEncodeOptions, 'profiled'>>();
  expectTypeOf<Exclude<keyof DecodeOptions, OnPage>>().toEqualTypeOf<Exclude<keyof SentDecodeOptions, 'profiled'>>();
});
