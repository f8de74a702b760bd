// Encodes a photograph in a worker, with progress and a way to stop, and offers the .dcae file.
import { createWorkerClient } from 'dc-ae-webgpu';
import { compress } from 'dc-ae-webgpu/codec';

const MODEL = '/model/vae/'; // or 'mit-han-lab/dc-ae-f32c32-sana-1.1-diffusers'

const input = find('input', HTMLInputElement);
const stop = find('button', HTMLButtonElement);
const progress = find('progress', HTMLProgressElement);
const status = find('[role=status]', HTMLElement);
const link = find('a', HTMLAnchorElement);

const client = createWorkerClient();
const loading = client.fromPretrained(MODEL, {
  networks: 'encoder',
  onProgress: ({ loaded, total }) => (progress.value = loaded / total),
});

input.addEventListener('change', () => {
  const [photo] = input.files ?? [];
  if (photo) void encode(photo);
});

async function encode(photo: File): Promise<void> {
  const controller = new AbortController();
  stop.onclick = () => controller.abort();
  stop.disabled = false;
  link.hidden = true;
  status.textContent = 'Encoding …';
  try {
    const ae = await loading;
    const { bytes, stats } = await compress(ae, photo, {
      quality: 40,
      signal: controller.signal,
      run: { onProgress: ({ fraction }) => (progress.value = fraction) },
    });
    URL.revokeObjectURL(link.href);
    link.href = URL.createObjectURL(new Blob([new Uint8Array(bytes)]));
    link.hidden = false;
    status.textContent = `${bytes.length} bytes, ${stats.bitsPerPixel.toFixed(2)} bits per pixel`;
  } catch (error) {
    status.textContent = controller.signal.aborted ? 'Stopped.' : String(error);
  } finally {
    stop.disabled = true;
  }
}

function find<T extends Element>(selector: string, type: new () => T): T {
  const found = document.querySelector(selector);
  if (found instanceof type) return found;
  throw new Error(`The page has no ${selector}.`);
}
