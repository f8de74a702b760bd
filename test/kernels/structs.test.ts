// The params structs and constants that WGSL and TypeScript both declare are equal.
import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { linkShader, readShaders } from '../../.config/wesl.ts';
import { MULTISCALE_QUADS } from '../../src/graph/build.ts';
import { NORM_QUADS } from '../../src/graph/fuse.ts';
import { TILE_GEOMETRIES, type TileAlgorithm } from '../../src/graph/tile_geometry.ts';
import { attentionParams, attentionReduceParams } from '../../src/kernels/attention.ts';
import { blendParams } from '../../src/kernels/blend.ts';
import {
  depthwiseParams,
  groupedParams,
  multiscaleParams,
  resampleParams,
  RMS_NORM_LANES,
  rmsNormParams,
} from '../../src/kernels/channelwise.ts';
import { CONV_VARIANTS, matrixParams } from '../../src/kernels/conv.ts';
import { convParams, STORE } from '../../src/kernels/conv_pass.ts';
import { ACTIVATION, WORKGROUP } from '../../src/kernels/dispatch.ts';
import { imageInParams, imageOutParams, nchwInParams, nchwOutParams } from '../../src/kernels/image.ts';
import { batchNormParams, packParams } from '../../src/kernels/pack.ts';
import { sizeOf, struct, STRUCTS, type Fields } from '../../src/kernels/struct.ts';
import { MAX_GROUP_TILES } from '../../src/kernels/winograd.ts';

const sources = readShaders(resolve(import.meta.dirname, '../../shaders'));

/** A linked shader without comments. multiply_matrix.wgsl is not linked. */
async function linked(name: string, ...conditions: string[]): Promise<string> {
  if (name === 'multiply_matrix') return sources['multiply_matrix.wgsl']!.replace(/\/\/.*$/gm, '');
  return (await linkShader(sources, `${name}.wgsl`, conditions, { comments: false })).code;
}

/** The structs of a shader: the fields of each, by name, in order. */
function structsOf(code: string): Map<string, [string, string][]> {
  const structs = new Map<string, [string, string][]>();
  for (const [, name = '', body = ''] of code.matchAll(/\bstruct\s+(\w+)\s*\{([^}]*)\}/g)) {
    const fields = [...body.matchAll(/(\w+)\s*:\s*(\w+)/g)];
    structs.set(
      name,
      fields.map(([, field = '', type = '']) => [field, type]),
    );
  }
  return structs;
}

/** The integer constants of a shader, by name. */
function constantsOf(code: string): Map<string, number> {
  return new Map(
    [...code.matchAll(/\bconst\s+(\w+)(?:\s*:\s*\w+)?\s*=\s*(\d+)u?;/g)].map(([, name = '', value]) => [
      name,
      Number(value),
    ]),
  );
}

/**
 * Offsets of fields in a uniform struct, by WGSL's rules for scalars and for structs, which begin at multiples of 16
 * bytes.
 */
function wgslOffsets(fields: readonly (readonly [string, string])[], structs: ReturnType<typeof structsOf>): number[] {
  let end = 0;
  return fields.map(([, type]) => {
    const nested = structs.get(type);
    const start = nested ? Math.ceil(end / 16) * 16 : end;
    end = start + (nested ? Math.ceil((4 * nested.length) / 16) * 16 : 4);
    return start;
  });
}

const PARAMS: readonly [shader: string, conditions: string[], params: { fields: Fields }][] = [
  ['attention_apply', [], attentionParams],
  ['attention_quadratic', [], attentionParams],
  ['attention_reduce', [], attentionReduceParams],
  ['attention_sums', [], attentionParams],
  ['batch_norm', [], batchNormParams],
  ['blend', [], blendParams],
  ['conv', ['resample'], convParams],
  ['conv_tile', ['resample'], convParams],
  ['depthwise', [], depthwiseParams],
  ['grouped', [], groupedParams],
  ['image_in', [], imageInParams],
  ['image_out', [], imageOutParams],
  ['multiply_matrix', [], matrixParams],
  ['multiscale', [], multiscaleParams],
  ['nchw_in', [], nchwInParams],
  ['nchw_out', [], nchwOutParams],
  ['pack', [], packParams],
  ['resample', [], resampleParams],
  ['rms_norm', [], rmsNormParams],
  ['winograd_input', ['f4'], convParams],
  ['winograd_output', ['f4', 'norm'], convParams],
  ['winograd_weight', ['f4'], convParams],
];

describe('params', () => {
  test.for(PARAMS)(
    'of %s have the same fields, types and offsets in WGSL',
    async ([shader, conditions, { fields }]) => {
      const code = await linked(shader, ...conditions);
      const structs = structsOf(code);
      const type = /var<uniform>\s*params\s*:\s*(\w+)/.exec(code)?.[1] ?? '';
      const declared = structs.get(type)!;
      expect(declared).toEqual(Object.entries(fields));
      for (const name of ['View', 'ChannelShuffle'] as const) {
        if (declared.some(([, fieldType]) => fieldType === name)) {
          expect(structs.get(name)).toEqual(Object.entries(STRUCTS[name]));
        }
      }
      const entries = Object.entries(fields);
      const written = entries.map((_, i) => sizeOf(Object.fromEntries(entries.slice(0, i))));
      expect(written).toEqual(wgslOffsets(declared, structs));
    },
  );

  test('are compared for every shader that has some', () => {
    const entries = Object.keys(sources).filter((name) => /@compute\b/.test(sources[name]!));
    expect(PARAMS.map(([shader]) => `${shader}.wgsl`).sort()).toEqual(entries);
  });

  test('are written at their offsets, little-endian', () => {
    const write = struct({ y: 'View', count: 'u32', eps: 'f32' });
    const y = { height: 2, width: 3, quads: 4, quad: 5, y: -1, x: -2 };
    const view = new DataView(write({ y, count: 7, eps: 0.5 }));
    expect(view.byteLength).toBe(48);
    expect([0, 4, 8, 12, 16, 20].map((at) => view.getInt32(at, true))).toEqual([2, 3, 4, 5, -1, -2]);
    expect([view.getUint32(32, true), view.getFloat32(36, true)]).toEqual([7, 0.5]);
  });
});

describe('constants', () => {
  test.for(PARAMS)('WORKGROUP of %s', async ([shader, conditions]) => {
    const code = await linked(shader, ...conditions);
    const override = /override WORKGROUP: u32 = (\d+)u;/.exec(code)?.[1];
    expect(constantsOf(code).get('WORKGROUP') ?? Number(override)).toBe(WORKGROUP);
  });

  test('pixels of a thread of the convolution', async () => {
    const pixels = async (shader: string) => constantsOf(await linked(shader)).get('PIXELS');
    expect(await pixels('conv')).toBe(CONV_VARIANTS.registers.pixels);
    expect(await pixels('conv')).toBe(CONV_VARIANTS.subgroups.pixels);
    expect(await pixels('conv_tile')).toBe(CONV_VARIANTS.workgroup.pixels);
    expect(await pixels('conv_tile')).toBe(CONV_VARIANTS.f16.pixels);
    expect(await pixels('multiply_matrix')).toBe(CONV_VARIANTS.matrix.pixels);
  });

  test('lanes of rms_norm', async () => {
    expect(constantsOf(await linked('rms_norm', 'lanes')).get('LANES')).toBe(RMS_NORM_LANES);
  });

  test('quads of a group that a workgroup of multiscale holds', () => {
    expect(MULTISCALE_QUADS).toBe(WORKGROUP);
  });

  test('sides of Winograd tiles', async () => {
    const conditions: Record<TileAlgorithm, string> = { winograd2: 'f2', winograd4: 'f4', phases: 'phases' };
    for (const algorithm of ['winograd2', 'winograd4', 'phases'] as const) {
      const { SIZE, STEP } = Object.fromEntries(constantsOf(await linked('winograd_input', conditions[algorithm])));
      expect({ size: SIZE, step: STEP }).toMatchObject({
        size: TILE_GEOMETRIES[algorithm].size,
        step: TILE_GEOMETRIES[algorithm].step,
      });
    }
  });

  test('RMSNorm behind a convolution fits the smallest workgroups that WebGPU guarantees', async () => {
    const code = await linked('winograd_output', 'f4', 'norm');
    const [, perThread] = /squares: array<f32, (\d+)u \* WORKGROUP>/.exec(code)!;
    const [, more] = /segments: array<f32, WORKGROUP \+ (\d+)u>/.exec(code)!;
    const [, fixed] = /scales: array<f32, (\d+)>/.exec(code)!;
    const pixels = TILE_GEOMETRIES.winograd4.out ** 2;
    expect(Number(perThread)).toBe(pixels);
    expect(Number(fixed)).toBe(MAX_GROUP_TILES * pixels);
    const bytes = 4 * ((pixels + 1) * NORM_QUADS + Number(more) + Number(fixed));
    expect(NORM_QUADS).toBeLessThanOrEqual(256); // maxComputeInvocationsPerWorkgroup
    expect(bytes).toBeLessThanOrEqual(16384); // maxComputeWorkgroupStorageSize
  });

  test('codes of activations and stores', async () => {
    const constants = constantsOf(await linked('conv', 'resample'));
    for (const [name, code] of Object.entries(ACTIVATION)) expect(constants.get(name.toUpperCase())).toBe(code);
    expect([0, constants.get('SHUFFLE'), constants.get('UNSHUFFLE')]).toEqual([
      STORE.plain,
      STORE.shuffle,
      STORE.unshuffle,
    ]);
  });
});
