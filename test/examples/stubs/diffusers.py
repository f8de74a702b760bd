"""A stand-in for diffusers: its pipeline returns the latent of examples/public."""

from types import SimpleNamespace

import numpy as np


class Tensor:
    """An array with the methods of torch.Tensor that examples/python uses."""

    def __init__(self, array):
        self.array, self.shape = array, array.shape

    def __truediv__(self, factor):
        return Tensor(self.array / np.float32(factor))

    def float(self):
        return Tensor(self.array.astype(np.float32))

    def cpu(self):
        return self

    def numpy(self):
        return self.array


class SanaPipeline:
    vae = SimpleNamespace(config=SimpleNamespace(scaling_factor=0.53374))

    @classmethod
    def from_pretrained(cls, model, torch_dtype=None):
        assert model.startswith("Efficient-Large-Model/")
        return cls()

    def to(self, device):
        return self

    def __call__(self, prompt, output_type):
        assert output_type == "latent"
        scaled = np.fromfile("examples/public/latent.bin", "<f2").reshape(1, 16, 32, 32)
        return SimpleNamespace(images=Tensor(scaled.astype(np.float32)))
