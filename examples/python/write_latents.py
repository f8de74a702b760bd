"""Writes the latent of a SANA pipeline to a .dcae file, which a browser decodes.

    pip install torch diffusers transformers accelerate numpy
    python write_latents.py "a tiger in snow" tiger.dcae

Needs python/dcae.py of this repository beside it or on PYTHONPATH. Keeps every number as f16. In the browser:

    const { latent } = await unpackLatent(await fetch('tiger.dcae'));
    const { sample } = await ae.decode(latent);
"""

import sys

import dcae
import torch
from diffusers import SanaPipeline

MODEL = "Efficient-Large-Model/Sana_1600M_1024px_diffusers"


def main(prompt, path):
    pipe = SanaPipeline.from_pretrained(MODEL, torch_dtype=torch.bfloat16).to("cuda")
    # Without its decoder, the pipeline returns latents that are multiplied by the scaling factor.
    latents = pipe(prompt, output_type="latent").images / pipe.vae.config.scaling_factor
    with open(path, "wb") as file:
        file.write(dcae.write(latents.float().cpu().numpy(), exact="f16"))
    print(f"{path}: latents {list(latents.shape)}")


if __name__ == "__main__":
    main(*sys.argv[1:])
