/// <reference lib="esnext.disposable" preserve="true" />
/**
 * Pictures as small files: DC-AE latents, quantised and entropy-coded. docs/dcae-format.md describes the format.
 *
 *     const { bytes, stats } = await compress(ae, image, { quality: 60 });
 *     const { image, info } = await decompress(ae, bytes);
 *
 * @module dc-ae-webgpu/codec
 */
import '../webgpu_types.ts';
export { FormatError, type FormatProblem } from '../errors.ts';
export { compress, decompress } from './compress.ts';
export { describeExif, readExif, type ExifFacts } from './exif.ts';
export type { FileInput } from './file_input.ts';
export { inspect, packLatent, unpackLatent } from './latent_file.ts';
export type {
  CallOptions,
  CodecProgress,
  CodecStats,
  CompressedFile,
  CompressOptions,
  DecodedSample,
  DecompressOptions,
  EncodedLatent,
  FileBytes,
  FileChannels,
  FileInfo,
  FileMetadata,
  FileMetadataInput,
  LatentDecoder,
  LatentEncoder,
  LatentNumbers,
  ModelFingerprint as ModelIdentity,
  PackLatentOptions,
  PackOptions,
  PictureForms,
  PlainLatent,
  Quantiser,
  TensorPicture,
  UnpackOptions,
} from './types.ts';
