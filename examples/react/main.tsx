// A React component that decodes a latent. StrictMode mounts it twice; the model is loaded once.
import { StrictMode, useEffect, useRef, useState } from 'react';
import { createRoot } from 'react-dom/client';
import { acquireModel, type WorkerAutoencoderDC } from 'dc-ae-webgpu';

const MODEL = '/model/vae/'; // or 'mit-han-lab/dc-ae-f32c32-sana-1.1-diffusers'

/** The model, once it has loaded; until then the share of its bytes. */
function useModel(): { ae: WorkerAutoencoderDC | undefined; share: number; error: Error | undefined } {
  const [ae, setModel] = useState<WorkerAutoencoderDC>();
  const [share, setShare] = useState(0);
  const [error, setError] = useState<Error>();
  useEffect(() => {
    const lease = acquireModel(MODEL, {
      networks: 'decoder',
      onProgress: ({ loaded, total }) => setShare(loaded / total),
    });
    lease.model.then(setModel, (reason) => reason.name === 'AbortError' || setError(reason));
    return () => lease.release();
  }, []);
  return { ae, share, error };
}

function Picture({ url, size }: { url: string; size: number }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const { ae, share, error } = useModel();
  const [isDone, setDone] = useState(false);
  useEffect(() => {
    if (!ae) return;
    const controller = new AbortController();
    const { signal } = controller;
    const draw = async () => {
      const data = await (await fetch(url, { signal })).arrayBuffer();
      const side = size / ae.spatialCompressionRatio;
      const latent = { data, shape: [1, ae.config.latentChannels, side, side] };
      const { sample } = await ae.decode(latent, { scaled: true, signal });
      if (canvas.current) await sample.drawTo(canvas.current);
      sample.dispose();
      setDone(true);
    };
    draw().catch((reason) => signal.aborted || console.error(reason));
    return () => controller.abort();
  }, [ae, url, size]);
  if (error) return <p role="alert">{error.message}</p>;
  if (!ae) return <progress value={share} />;
  return <canvas ref={canvas} aria-busy={!isDone} />;
}

createRoot(document.getElementById('root') ?? document.body).render(
  <StrictMode>
    <Picture url="/latent.bin" size={256} />
  </StrictMode>,
);
