"""AutoencoderDC's decoder in one piece and in double precision, the reference for decoding by regions. NumPy only.

    python decoder.py check FOLDER...   decodes the latents of hash-models and compares the stored reconstructions
    python decoder.py places FOLDER     decodes a latent of 128 x 128 and stores PLACES of the 4096 x 4096 picture

FOLDER is one of test/fixtures/hash-models of an f32c32-sana network. test/fixtures/README.md says how its weights come
from their names. This program was written from diffusers' autoencoder_dc.py, to be read. A tensor is a whole [H, W, C]
array. Loops over rows bound the temporaries; every row of a convolution reads whole tensors.
4096 x 4096 takes 10 GB of memory at quarter width. Apache-2.0.
"""

import json
import math
import pathlib
import resource
import struct
import sys

import numpy as np

SIDE = 4096
PLACE = 32
FAR, MIDDLE = SIDE - PLACE, (SIDE - PLACE) // 2
PLACES = [  # top, left
    (0, 0), (0, FAR), (FAR, 0), (FAR, FAR),
    (0, MIDDLE), (FAR, MIDDLE), (MIDDLE, 0), (MIDDLE, FAR),
    (MIDDLE, MIDDLE), (1008, 1008), (496, 3057), (3001, 777), (2039, 1013),
]  # fmt: skip


# --- weights by their names ------------------------------------------------------------------------------------------


def fnv1a32(name):
    value = 0x811C9DC5
    for byte in name.encode():
        value = ((value ^ byte) * 0x01000193) & 0xFFFFFFFF
    return value


def hashed(name, *shape):
    """The tensor called `name`: rounded to float32, held in float64."""
    leaf = name.rsplit(".", 1)[-1]
    offset, scale = 0.0, 1.0
    if leaf == "bias":
        scale = 0.1
    elif leaf == "weight":
        offset, scale = (1.0, 0.25) if len(shape) == 1 else (0.0, math.sqrt(3 / math.prod(shape[1:])))
    x = np.arange(math.prod(shape), dtype=np.uint32) * np.uint32(0x9E3779B9) + np.uint32(fnv1a32(name))
    x ^= x >> np.uint32(16)
    x *= np.uint32(0x7FEB352D)
    x ^= x >> np.uint32(15)
    x *= np.uint32(0x846CA68B)
    x ^= x >> np.uint32(16)
    t = ((x >> np.uint32(8)).astype(np.float64) - 8388608) / 8388608
    return (offset + scale * t).astype(np.float32).astype(np.float64).reshape(shape)


# --- layers ----------------------------------------------------------------------------------------------------------


def strips(x, doubled=1):
    """Slices of the rows of what a layer makes of `x`, so many that a strip's temporaries stay small."""
    rows, columns, channels = x.shape
    step = max(1, 2**17 // (doubled * columns * channels))
    return [slice(y, min(y + step, doubled * rows)) for y in range(0, doubled * rows, step)]


def padded(x, rows, size, doubled=1):
    """Returns the rows that a convolution of `size` reads for `rows` of its output, with zeros outside.

    They are rows of `x`, or of its nearest upsampling.
    """
    margin = size // 2
    height, width = doubled * x.shape[0], doubled * x.shape[1]
    out = np.zeros((rows.stop - rows.start + 2 * margin, width + 2 * margin, x.shape[2]))
    first, last = max(0, rows.start - margin), min(height, rows.stop + margin)
    source = x[np.arange(first, last) // doubled]
    top = first - (rows.start - margin)
    out[top : top + last - first, margin : margin + width] = np.repeat(source, doubled, axis=1)
    return out


class Conv:
    """A convolution with stride 1 and zeros around; `doubled` 2 takes the nearest upsampling of its input."""

    def __init__(self, path, inputs, outputs, size=3, bias=True, doubled=1):
        weight = hashed(f"{path}.weight", outputs, inputs, size, size)
        self.matrix = np.ascontiguousarray(weight.transpose(2, 3, 1, 0).reshape(-1, outputs))
        self.bias = hashed(f"{path}.bias", outputs) if bias else 0.0
        self.size, self.doubled = size, doubled

    def rows(self, x, rows):
        near = padded(x, rows, self.size, self.doubled)
        height, width = rows.stop - rows.start, self.doubled * x.shape[1]
        window = np.lib.stride_tricks.sliding_window_view(near, (self.size, self.size), (0, 1))
        columns = np.ascontiguousarray(window.transpose(0, 1, 3, 4, 2)).reshape(height * width, -1)
        return (columns @ self.matrix + self.bias).reshape(height, width, -1)


class Depthwise:
    """A convolution of each channel alone."""

    def __init__(self, path, channels, size=3, bias=True):
        self.weight = hashed(f"{path}.weight", channels, 1, size, size)
        self.bias = hashed(f"{path}.bias", channels) if bias else 0.0
        self.size = size

    def rows(self, x, rows):
        near = padded(x, rows, self.size)
        height, width = rows.stop - rows.start, x.shape[1]
        taps = [(i, j) for i in range(self.size) for j in range(self.size)]
        return sum(near[i : i + height, j : j + width] * self.weight[:, 0, i, j] for i, j in taps) + self.bias


class RMSNorm:
    def __init__(self, path, channels):
        self.weight, self.bias = hashed(f"{path}.weight", channels), hashed(f"{path}.bias", channels)

    def __call__(self, x):
        return x / np.sqrt(np.mean(x * x, axis=-1, keepdims=True) + 1e-5) * self.weight + self.bias


def silu(x):
    return x / (1 + np.exp(-x))


def filled(x, channels, rows_of, doubled=1):
    """The whole [H, W, channels] array whose strips `rows_of` makes of `x`."""
    out = np.empty((doubled * x.shape[0], doubled * x.shape[1], channels))
    for rows in strips(x, doubled):
        out[rows] = rows_of(rows)
    return out


# --- blocks: each returns its output, and may have written it over its input -----------------------------------------


def res_block(path, x):
    channels = x.shape[2]
    conv1, conv2 = Conv(f"{path}.conv1", channels, channels), Conv(f"{path}.conv2", channels, channels, bias=False)
    norm = RMSNorm(f"{path}.norm", channels)
    inner = filled(x, channels, lambda rows: silu(conv1.rows(x, rows)))
    for rows in strips(x):
        x[rows] += norm(conv2.rows(inner, rows))
    return x


def attend(q, k, v):
    """ReLU attention of one head: [tokens, head_dim] each."""
    q, k = np.maximum(q, 0), np.maximum(k, 0)
    if len(q) > q.shape[1]:
        v = np.concatenate([v, np.ones((len(v), 1))], axis=1)
        out = q @ (k.T @ v)
        return out[:, :-1] / (out[:, -1:] + 1e-15)
    scores = q @ k.T
    return scores / (np.sum(scores, axis=1, keepdims=True) + 1e-15) @ v


def attention(path, x, head, sizes):
    channels = x.shape[2]
    heads = channels // head
    inner = heads * head
    project = np.concatenate([hashed(f"{path}.to_{name}.weight", inner, channels) for name in "qkv"])
    qkv = [x @ project.T]
    for i, size in enumerate(sizes):
        branch = f"{path}.to_qkv_multiscale.{i}"
        depthwise = Depthwise(f"{branch}.proj_in", 3 * inner, size, bias=False)
        grouped = hashed(f"{branch}.proj_out.weight", 3 * inner, head, 1, 1).reshape(3 * heads, head, head)
        wide = filled(x, 3 * inner, lambda rows: depthwise.rows(qkv[0], rows))
        for g, weight in enumerate(grouped):
            wide[..., g * head : (g + 1) * head] = wide[..., g * head : (g + 1) * head] @ weight.T
        qkv.append(wide)
    # As in the reference, a head is a run of consecutive channels: its q, k and v, wherever they come from.
    parts = [a.reshape(-1, head) for whole in qkv for a in np.split(whole, 3 * heads, axis=2)]
    out = np.concatenate([attend(*parts[i : i + 3]) for i in range(0, len(parts), 3)], axis=1)
    out = out.reshape(*x.shape[:2], -1) @ hashed(f"{path}.to_out.weight", channels, inner * (1 + len(sizes))).T
    return x + RMSNorm(f"{path}.norm_out", channels)(out)


def glu_mb_conv(path, x):
    channels = x.shape[2]
    inverted = Conv(f"{path}.conv_inverted", channels, 8 * channels, 1)
    depth = Depthwise(f"{path}.conv_depth", 8 * channels)
    point, norm = Conv(f"{path}.conv_point", 4 * channels, channels, 1, bias=False), RMSNorm(f"{path}.norm", channels)
    wide = filled(x, 8 * channels, lambda rows: silu(inverted.rows(x, rows)))
    for rows in strips(wide):
        value, gate = np.split(depth.rows(wide, rows), 2, axis=2)
        value *= silu(gate)
        x[rows] += norm(point.rows(value, slice(0, len(value))))
    return x


def up_block(path, x, channels):
    conv = Conv(f"{path}.conv", x.shape[2], channels, doubled=2)
    out = filled(x, channels, lambda rows: conv.rows(x, rows), doubled=2)
    repeated = np.repeat(x, 4 * channels // x.shape[2], axis=2)
    for i in range(2):
        for j in range(2):
            out[i::2, j::2] += repeated[..., 2 * i + j :: 4]
    return out


def decode(config, latent):
    """The picture [H, W, 3] of a latent [h, w, C], both float64."""
    widths, counts = config["decoder_block_out_channels"], config["decoder_layers_per_block"]
    assert config["upsample_block_type"] == "interpolate" and config["decoder_conv_act_fn"] == "relu"
    assert config["decoder_norm_types"] == "rms_norm" and config["decoder_act_fns"] == "silu" and all(counts)
    conv_in = Conv("decoder.conv_in", latent.shape[2], widths[-1])
    x = conv_in.rows(latent, slice(0, len(latent))) + np.repeat(latent, widths[-1] // latent.shape[2], axis=2)
    for stage in reversed(range(len(widths))):
        path = f"decoder.up_blocks.{stage}"
        below = stage + 1 < len(widths)
        if below:
            x = up_block(f"{path}.0", x, widths[stage])
        for block in range(below, below + counts[stage]):
            if config["decoder_block_types"][stage] == "ResBlock":
                x = res_block(f"{path}.{block}", x)
            else:
                sizes = config["decoder_qkv_multiscales"][stage]
                x = attention(f"{path}.{block}.attn", x, config["attention_head_dim"], sizes)
                x = glu_mb_conv(f"{path}.{block}.conv_out", x)
        print(f"{path}: {x.shape}, at most {max(np.abs(row).max() for row in x):.2f}", file=sys.stderr, flush=True)
    norm, conv_out = RMSNorm("decoder.norm_out", widths[0]), Conv("decoder.conv_out", widths[0], config["in_channels"])
    for rows in strips(x):
        x[rows] = np.maximum(norm(x[rows]), 0)
    return filled(x, config["in_channels"], lambda rows: conv_out.rows(x, rows))


# --- safetensors of float32 ------------------------------------------------------------------------------------------


def read(path):
    data = path.read_bytes()
    start = 8 + struct.unpack("<Q", data[:8])[0]
    entries = json.loads(data[8:start])
    entries.pop("__metadata__", None)
    offsets = {name: [start + at for at in entry["data_offsets"]] for name, entry in entries.items()}
    return {name: np.frombuffer(data[slice(*offsets[name])], "<f4").reshape(entries[name]["shape"]) for name in entries}


def write(path, tensors, metadata):
    header, end = {"__metadata__": metadata}, 0
    for name, tensor in tensors.items():
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [end, end := end + 4 * tensor.size]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(t.astype("<f4").tobytes() for t in tensors.values()))


# --- from a shell ----------------------------------------------------------------------------------------------------


def check(folder, config):
    for run in json.loads((folder / "fixture.json").read_text())["runs"]:
        stored = read(folder / run["file"])
        picture = decode(config, stored["latent"][0].transpose(1, 2, 0).astype(np.float64)).transpose(2, 0, 1)
        expected = stored["reconstruction"][0]
        error = np.abs(picture - expected).max() / np.abs(expected).max()
        print(f"{folder.name}/{run['file']}: {error:.2e} of the largest value")


def places(folder, config):
    channels = config["latent_channels"]
    latent = hashed("latent", 1, channels, SIDE // 32, SIDE // 32)[0].transpose(1, 2, 0)
    picture = decode(config, np.ascontiguousarray(latent))
    cut = [picture[y : y + PLACE, x : x + PLACE].transpose(2, 0, 1) for y, x in PLACES]
    usage = resource.getrusage(resource.RUSAGE_SELF)
    metadata = {
        "input": f'tensor("latent", [1, {channels}, {SIDE // 32}, {SIDE // 32}])',
        "at": "top and left of each place in the picture",
        "picture_absmax": repr(float(np.abs(picture).max())),
        "picture_std": repr(float(picture.std())),
    }
    tensors = {"at": np.array(PLACES), "reconstruction": np.stack(cut)}
    write(folder / f"places-{SIDE}x{SIDE}.safetensors", tensors, metadata)
    print(json.dumps(metadata, indent=1))
    print(f"{usage.ru_utime + usage.ru_stime:.0f} s of CPU time, {usage.ru_maxrss / 2**20:.1f} GiB of memory at most")


if __name__ == "__main__":
    command = {"check": check, "places": places}[sys.argv[1]]
    for name in sys.argv[2:]:
        folder = pathlib.Path(name)
        command(folder, json.loads((folder / "config.json").read_text()))
