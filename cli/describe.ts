/** The contents of a .dcae file in words. */
import { describeExif, type FileInfo } from 'dc-ae-webgpu/codec';

/** Describes the header of a file in several lines. */
export function describeFile(path: string, info: FileInfo): string {
  const { image, bytes, latent, channels, coding, quantiser, checkpoint, metadata, version } = info;
  const exif = metadata.exif && describeExif(metadata.exif);
  const facts: [string, string | undefined][] = [
    ['picture', image ? `${image.width} × ${image.height} pixels` : 'of unknown size'],
    [
      'file',
      `${sizeText(info)}; version ${version}, header ${count(bytes.header)}, payload ${count(bytes.payload)} bytes`,
    ],
    ['latent', `[${latent.join(', ')}]; channels kept: ${channels.kept}, not zero: ${channels.coded}`],
    ['numbers', quantiser ? `quantised, quality ${quantiser.quality}` : `exact, ${coding}`],
    ['made with', checkpoint.id ?? checkpoint.url ?? 'a checkpoint that the file does not name'],
    ['address', checkpoint.url],
    ['encoder', checkpoint.encoder],
    ['decoder', checkpoint.decoder],
    ['title', metadata.title],
    ['colours', metadata.icc ? `ICC profile, ${count(metadata.icc.length)} bytes` : metadata.colorSpace],
    ['EXIF', metadata.exif && `${count(metadata.exif.length)} bytes`],
    ['copyright', exif?.copyright],
    ['artist', exif?.artist],
    ['taken', exif?.taken],
    ['orientation', metadata.orientationApplied === undefined ? undefined : `${metadata.orientationApplied}, applied`],
  ];
  const lines = facts.flatMap(([name, value]) => (value === undefined ? [] : [`  ${name.padEnd(12)}${value}`]));
  return [path, ...lines].join('\n');
}

/** The size of a file, and bits for each pixel if the picture's size is known. */
export function sizeText({ bytes, image }: Pick<FileInfo, 'bytes' | 'image'>): string {
  const bits = image && ((8 * bytes.total) / (image.width * image.height)).toFixed(3);
  return `${count(bytes.total)} bytes${bits === undefined ? '' : ` (${bits} bits a pixel)`}`;
}

function count(value: number): string {
  return value.toLocaleString('en');
}
