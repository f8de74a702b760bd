/** The texts of `--help`. */

/** The page of the help to show. */
export type Topic = 'all' | 'compress' | 'decompress' | 'inspect';

const MODEL = `  -m, --model MODEL    the checkpoint: a folder, an id of huggingface.co such as owner/name, or a
                       URL. By default "nano", 0.9 MB, the one that comes with the package. It is
                       made to be small; larger ones give better pictures. Node keeps no cache:
                       ids and URLs are downloaded each time, folders are not.`;

const FILES = `  -o, --output PATH    a file, or for several inputs a folder; by default beside each input
${MODEL}
  -f, --force          replace existing files
  -h, --help           this text`;

const TEXTS: Readonly<Record<Topic, string>> = {
  all: `Usage: dc-ae-webgpu COMMAND FILE... [OPTIONS]

  compress     writes pictures to .dcae files
  decompress   writes the pictures of .dcae files
  inspect      prints what .dcae files hold

Examples:
  dc-ae-webgpu compress photo.jpg -q 40
  dc-ae-webgpu compress *.jpg -q 20 -o small/ --model ./photo-model
  dc-ae-webgpu decompress photo.dcae -o photo.png
  dc-ae-webgpu inspect photo.dcae

compress and decompress need the npm packages webgpu and sharp, and a GPU or a software adapter:
  npm install webgpu sharp

"dc-ae-webgpu COMMAND --help" lists the options of a command. --version prints the version.
The exit status is 0, 1 if a file failed, or 2 if the command cannot be understood.`,

  compress: `Usage: dc-ae-webgpu compress PICTURE... [OPTIONS]

Writes each picture to a .dcae file. Reads JPEG, PNG, WebP, AVIF, TIFF, GIF and SVG. Turns the picture
upright, converts its colours to sRGB, and puts white behind transparent pixels.

  -q, --quality N      1 to 100, by default 60; 20 more halve the steps of the quantiser
      --exact TYPE     store the latent exactly: f32 or f16
      --channels N     keep the first N channels of the latent, for models made for it (DC-AE 1.5)
      --keep-exif      keep the EXIF block: camera, date, place, copyright; left out by default
${FILES}`,

  decompress: `Usage: dc-ae-webgpu decompress FILE... [OPTIONS]

Writes the picture of each .dcae file. The model must be the one that the file was made with. The output's
extension chooses the format: .png (the default), .jpg, .webp, .avif or .tiff. PNG and JPEG get the
EXIF block and the ICC profile that the file holds.

      --any-model      accept another model than the file was made with
${FILES}`,

  inspect: `Usage: dc-ae-webgpu inspect FILE... [OPTIONS]

Prints the header of each .dcae file. Needs no model and no GPU.

      --json           print JSON, one object a line
  -h, --help           this text`,
};

/** Returns a page of the help. */
export function helpText(topic: Topic): string {
  return TEXTS[topic];
}
