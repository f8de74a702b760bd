/**
 * Translates the key names of the original efficientvit release to those of diffusers. Source: diffusers,
 * loaders/single_file_utils.py, `convert_autoencoder_dc_checkpoint_to_diffusers`. Unlike there, encoder and decoder are
 * examined separately (DC-AE-Lite's have different first stages), and any number of multi-scale branches works.
 */
import { CheckpointError } from '../../errors.ts';
import { bullets, shapeText } from './message_text.ts';
import type { TensorInfo } from './tensor_info.ts';

/** Whether these are key names of the original release. */
export function isOriginal(names: Iterable<string>): boolean {
  for (const name of names) {
    if (/^(encoder|decoder)\.(project_in|project_out|stages)\./.test(name)) return true;
  }
  return false;
}

/** Replacements in the order in which diffusers makes them, each wherever it matches in the key. */
const REPLACEMENTS: readonly (readonly [RegExp, string])[] = [
  [/main\./g, ''],
  [/op_list\./g, ''],
  [/context_module/g, 'attn'],
  [/local_module/g, 'conv_out'],
  [/aggreg\.(\d+)\.0/g, 'to_qkv_multiscale.$1.proj_in'],
  [/aggreg\.(\d+)\.1/g, 'to_qkv_multiscale.$1.proj_out'],
  [/depth_conv\.conv/g, 'conv_depth'],
  [/inverted_conv\.conv/g, 'conv_inverted'],
  [/point_conv\.conv/g, 'conv_point'],
  [/point_conv\.norm/g, 'norm'],
  [/conv\.conv\./g, 'conv.'],
  [/conv1\.conv/g, 'conv1'],
  [/conv2\.conv/g, 'conv2'],
  [/conv2\.norm/g, 'norm'],
  [/proj\.norm/g, 'norm_out'],
];

/**
 * Replacements for the first and last modules of both networks. If the first stage has no layers, `conv_in` or
 * `conv_out` is a resampling block with a `.conv` inside.
 */
function endReplacements(resamplesIn: boolean, resamplesOut: boolean): readonly (readonly [string, string])[] {
  return [
    ['encoder.project_in.conv', resamplesIn ? 'encoder.conv_in.conv' : 'encoder.conv_in'],
    ['encoder.project_out.0.conv', 'encoder.conv_out'],
    ['encoder.stages', 'encoder.down_blocks'],
    ['decoder.project_in.conv', 'decoder.conv_in'],
    ['decoder.project_out.0', 'decoder.norm_out'],
    ['decoder.project_out.2.conv', resamplesOut ? 'decoder.conv_out.conv' : 'decoder.conv_out'],
    ['decoder.stages', 'decoder.up_blocks'],
  ];
}

/**
 * Translates the tensors of an original checkpoint to diffusers' keys and shapes. The fused qkv becomes three
 * neighbouring byte ranges, so no byte moves. 1×1 convolutions that are linear layers in diffusers become matrices.
 *
 * @returns the tensors by diffusers' key
 * @throws CheckpointError if a fused qkv cannot be split, or if two tensors end up with the same key
 */
export function fromOriginal(tensors: readonly TensorInfo[]): ReadonlyMap<string, TensorInfo> {
  const has = (pattern: RegExp): boolean => tensors.some((tensor) => pattern.test(tensor.name));
  const ends = endReplacements(
    has(/^encoder\.project_in\.(.+\.)?conv\.conv\./),
    has(/^decoder\.project_out\.(.+\.)?2\.conv\.conv\./),
  );

  const result = new Map<string, TensorInfo>();
  const problems: string[] = [];
  const add = (key: string, tensor: TensorInfo): void => {
    if (result.has(key)) problems.push(`several tensors become ${key}`);
    result.set(key, { ...tensor, name: key });
  };
  for (const tensor of tensors) {
    let key = tensor.name;
    if (!/^(encoder|decoder)\./.test(key)) {
      add(key, tensor); // not part of the autoencoder
      continue;
    }
    for (const [from, to] of REPLACEMENTS) key = key.replace(from, to);
    for (const [from, to] of ends) key = key.replaceAll(from, to);
    if (key.endsWith('.qkv.conv.weight')) {
      const thirds = splitQkv(tensor);
      if (thirds === undefined)
        problems.push(`${tensor.name} has the shape ${shapeText(tensor.shape)}, which is not three matrices stacked`);
      for (const [third, name] of thirds ?? []) add(key.replace(/qkv\.conv\.weight$/, name), third);
    } else if (key.endsWith('.proj.conv.weight')) {
      add(key.replace(/proj\.conv\.weight$/, 'to_out.weight'), { ...tensor, shape: squeezed(tensor.shape) });
    } else {
      add(key, tensor);
    }
  }
  if (problems.length > 0) {
    const file = tensors[0]?.file ?? 'The file';
    throw new CheckpointError(
      `${file} cannot be read as an original DC-AE checkpoint:${bullets(problems)}\nUse the model in ` +
        "diffusers' format.",
    );
  }
  return result;
}

/** Splits a `[3n, C, 1, 1]` weight into those of query, key and value, `[n, C]` each; `undefined` for other shapes. */
function splitQkv(fused: TensorInfo): readonly (readonly [TensorInfo, string])[] | undefined {
  const [rows = 0, columns] = squeezed(fused.shape);
  if (columns === undefined || rows === 0 || rows % 3 !== 0) return undefined;
  const bytes = (fused.end - fused.start) / 3;
  return ['to_q.weight', 'to_k.weight', 'to_v.weight'].map((name, i) => {
    const start = fused.start + i * bytes;
    return [{ ...fused, shape: [rows / 3, columns], start, end: start + bytes }, name];
  });
}

/**
 * Turns a 1×1 convolution's `[n, C, 1, 1]` into `[n, C]`. Unlike `Tensor.squeeze()`, it keeps n and C if they are 1.
 */
function squeezed(shape: readonly number[]): readonly number[] {
  const [rows, columns, ...rest] = shape;
  return rows !== undefined && columns !== undefined && rest.every((n) => n === 1) ? [rows, columns] : shape;
}
