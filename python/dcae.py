"""Reads and writes .dcae files: latents of AutoencoderDC, quantised or exact. NumPy only.

    import dcae
    latent, info = dcae.read(open("photo.dcae", "rb").read())     # float32 [N, C, h, w], not scaled: vae.decode(latent)
    data = dcae.write(latent, exact="f16")                        # keeps every bit of the numbers as f16
    data = dcae.write(latent, quality=60, scaling_factor=0.41407) # as small as a picture

From a shell: python dcae.py to-npy photo.dcae latent.npy; python dcae.py from-npy latent.npy photo.dcae --exact f16

docs/dcae-format.md describes the format. This program is written to be read, not to be fast: it codes some twenty
thousand numbers a second. Apache-2.0.
"""

import struct
import zlib

import numpy as np

VERSION = 2  # is written; 1 is read, too
CODINGS = ["quantised", "f32", "f16"]
MAX_NUMBERS = 1 << 25  # the most numbers of a latent that is read: 128 MiB


class FormatError(ValueError):
    """The file is damaged, incomplete or of another version."""


def wrap(value):
    """Wraps an integer to 32 bits, signed."""
    return ((value + 0x80000000) & 0xFFFFFFFF) - 0x80000000


def clip(value, size):
    return max(-size, min(size, value))


# --- range coder -----------------------------------------------------------------------------------------------------


class Encoder:
    def __init__(self):
        self.low, self.range, self.held, self.full, self.out = 0, 0xFFFFFFFF, -1, 0, bytearray()

    def code(self, p, bit):
        bound = (self.range >> 16) * p
        if bit:
            self.range = bound
        else:
            self.low += bound
            self.range -= bound
        while self.range < 1 << 24:
            self.range = self.range << 8
            self._shift()
        return bit

    def finish(self):
        for k in range(32, -1, -1):
            rounded = -(-self.low >> k) << k
            if rounded < self.low + self.range:
                self.low = rounded
                break
        for _ in range(5):
            self._shift()
        return bytes(self.out).rstrip(b"\0")

    def _shift(self):
        if self.low < 0xFF000000 or self.low >= 1 << 32:
            carry = self.low >> 32
            if self.held >= 0:
                self.out.append((self.held + carry) & 255)
            self.out += bytes([(255 + carry) & 255]) * self.full
            self.full, self.held = 0, (self.low >> 24) & 255
        else:
            self.full += 1
        self.low = (self.low & 0xFFFFFF) << 8


class Decoder:
    def __init__(self, data):
        self.data, self.at, self.range = data, 4, 0xFFFFFFFF
        self.value = int.from_bytes(data[:4].ljust(4, b"\0"), "big")

    def code(self, p, _bit):
        bound = (self.range >> 16) * p
        bit = 1 if self.value < bound else 0
        if bit:
            self.range = bound
        else:
            self.value -= bound
            self.range -= bound
        while self.range < 1 << 24:
            self.range = self.range << 8
            byte = self.data[self.at] if self.at < len(self.data) else 0
            self.value = (self.value << 8 | byte) & 0xFFFFFFFF
            self.at += 1
        return bit


# --- mixing ----------------------------------------------------------------------------------------------------------

KNOTS = [22, 36, 60, 98, 162, 267, 439, 720, 1179, 1921, 3108, 4971, 7812, 11955, 17625, 24743, 32768, 40793, 47911,
         53581, 57724, 60565, 62428, 63615, 64357, 64816, 65097, 65269, 65374, 65438, 65476, 65500, 65514]  # fmt: skip
SQUASH = [(KNOTS[i >> 7] * (128 - (i & 127)) + KNOTS[(i >> 7) + 1] * (i & 127) + 64) >> 7 for i in range(4096)]


def _stretch():
    table, argument = [], -2047
    for p in range(4096):
        while argument < 2047 and SQUASH[argument + 2048] < 16 * p + 8:
            argument += 1
        table.append(argument)
    return table


STRETCH = _stretch()
RATES = [65536 // (2 * n + 3) for n in range(256)]


class Mixer:
    def __init__(self, sizes, kinds):
        self.states = [[[[32768, 0] for _ in range(kinds)] for _ in range(size)] for size in sizes]
        self.weights = [[21845] * 3 for _ in range(kinds)]

    def select(self, *contexts):
        self.chosen = [model[context] for model, context in zip(self.states, contexts)]

    def code(self, coder, kind, bit):
        states = [kinds[kind] for kinds in self.chosen]
        inputs = [STRETCH[p >> 4] for p, _ in states]
        weights = self.weights[kind]
        total = wrap(sum(w * x for w, x in zip(weights, inputs)))
        p = SQUASH[clip(total >> 16, 2047) + 2048]
        coded = coder.code(p, bit)
        error = (coded << 16) - p
        for m in range(3):
            weights[m] = wrap(weights[m] + ((wrap(error * inputs[m]) + 32768) >> 16))
        for state in states:
            p, n = state
            state[0] = p + ((coded * 65535 - p) * RATES[n] >> 15)
            state[1] = min(255, n + 1)
        return coded


# --- prediction ------------------------------------------------------------------------------------------------------


class Predictor:
    def __init__(self, channels):
        self.channels = channels
        self.own = [[0] * 4 for _ in range(channels)]
        # By kind of input (left, upper, here), by the input's channel, by the predicted channel.
        self.shared = [[[0] * channels for _ in range(channels)] for _ in range(3)]
        self.energies = [0] * channels
        self.rates = [1 << 26] * channels
        self.energy = self.seen = 0

    def row(self):
        ranked = sorted(range(self.channels), key=lambda c: (-self.energies[c], c))
        self.leaders = ranked[:6]

    def position(self, data, near):
        self.sums, self.errors, self.inputs = [0] * self.channels, [0] * self.channels, []
        if near is not None:
            for d in self.leaders:
                self._share(self.shared[0][d], d, data[near[0]][d], 0)
                self._share(self.shared[1][d], d, data[near[1]][d], 0)

    def predict(self, data, near, c):
        own = [] if near is None else [w * clip(data[n][c], 2047) for w, n in zip(self.own[c], near)]
        return wrap(self.sums[c] + sum(own)) >> 10

    def tell(self, c, value, prediction):
        self.errors[c] = clip(value * 64 - prediction, 32767)
        if c in self.leaders:
            self._share(self.shared[2][c], c, value, c + 1)

    def learn(self, data, near, at):
        prior = 6 * (8 * self.energy // max(1, self.seen)) + 160
        for c in range(self.channels):
            if near is not None:
                step = clip((self.errors[c] * self.rates[c]) >> 13, 524287)
                for k, n in enumerate(near):
                    self.own[c][k] = wrap(self.own[c][k] + ((step * clip(data[n][c], 2047) + 32) >> 6))
            square = clip(data[at][c], 2047) ** 2
            self.energy += square
            self.energies[c] += square
            self.rates[c] = (1 << 30) // (self.energies[c] + prior)
        self.seen += self.channels
        for weights, first, speed in self.inputs:
            for c in range(first, self.channels):
                weights[c] = wrap(weights[c] + ((self.errors[c] * speed + 512) >> 10))

    def _share(self, weights, d, value, first):
        value = clip(value, 2047)
        for c in range(first, self.channels):
            self.sums[c] = wrap(self.sums[c] + weights[c] * value)
        self.inputs.append((weights, first, clip((value * self.rates[d]) >> 10, 32767)))


# --- the model of a quantised latent ---------------------------------------------------------------------------------


def neighbours(y, x, width):
    """Returns the positions of the left, upper, upper left and upper right neighbours."""
    at = y * width + x
    if at == 0:
        return None
    left = at - 1 if x > 0 else at - width
    upper = at - width if y > 0 else at - 1
    return (
        left,
        upper,
        upper - 1 if x > 0 and y > 0 else left,
        left if y == 0 else upper + 1 if x + 1 < width else upper,
    )


class LevelModel:
    def __init__(self, channels):
        self.predictor = Predictor(channels)
        self.mixer = Mixer([13 * 13, 13 * 4, 13 * channels], 5)
        self.means = [8192] * channels
        self.seen = 0

    def code(self, coder, data, height, width):
        """Codes `data`, a list of the integers of each position; a decoder fills it."""
        channels = len(self.means)
        errors = [[0] * channels for _ in data]
        energies = [0] * len(data)
        for at in range(height * width):
            y, x = divmod(at, width)
            if x == 0:
                self.predictor.row()
            near = neighbours(y, x, width)
            self.predictor.position(data, near)
            around = 1024 if near is None else 4 * (energies[near[0]] + energies[near[1]]) // max(1, channels)
            energy = 0
            for c in range(channels):
                prediction = self.predictor.predict(data, near, c)
                whole = (prediction + 32) >> 6
                part = prediction - whole * 64

                mean = self.means[c]
                share = min(16383, (energy + around) // (c + 8))
                nearby = by_energy = min(4095, (mean >> 6) * share >> 10)
                if near is not None:
                    e = [errors[n][c] for n in near]
                    nearby = (5 * (e[0] + e[1]) + 3 * (e[2] + e[3])) >> 4
                expected = (nearby + by_energy) >> 1
                self.mixer.select(
                    13 * nearby.bit_length() + by_energy.bit_length(),
                    4 * expected.bit_length() + min(3, 8 * abs(part) >> 6),
                    13 * c + by_energy.bit_length(),
                )
                difference = data[at][c] - whole
                shift = max(0, (expected >> 6).bit_length() - 4)
                value = whole
                magnitude = self._magnitude(coder, abs(difference), shift)
                if magnitude > 0:
                    side = 0 if part < 0 else 1
                    above = self.mixer.code(coder, 4, side if difference > 0 else 1 - side) == side
                    value = whole + magnitude if above else whole - magnitude
                data[at][c] = value
                self.predictor.tell(c, value, prediction)
                error = errors[at][c] = min(4095, abs(value * 64 - prediction))
                energy += min(16383, (error << 16) // max(256, mean))
            energies[at] = energy
            self.predictor.learn(data, near, at)
            rate = 2048 // (2 * self.seen + 3)
            self.means = [m + ((256 * e - m) * rate >> 10) for m, e in zip(self.means, errors[at])]
            self.seen = min(200, self.seen + 1)

    def _magnitude(self, coder, size, shift):
        high, coded = size >> shift, 0
        while coded < 20 and self.mixer.code(coder, min(coded, 3), 1 if high > coded else 0):
            coded += 1
        if coded == 20:
            rest, bits = high - 20 + 1, 0
            while bits < 24 and coder.code(32768, 1 if rest >> (bits + 1) > 0 else 0):
                bits += 1
            more = 1
            for b in range(bits - 1, -1, -1):
                more = 2 * more + coder.code(32768, rest >> b & 1)
            coded += more - 1
        for b in range(shift - 1, -1, -1):
            coded = 2 * coded + coder.code(32768, size >> b & 1)
        return coded


# --- the model of exact numbers --------------------------------------------------------------------------------------


class WordModel:
    def __init__(self, channels, bits):
        self.bits = bits
        self.last = [0] * channels
        self.trees = [[32768] * 64 for _ in range(33)]

    def code(self, coder, data, _height, width):
        """Codes `data`, a list of the bits of each position's numbers; a decoder fills it."""
        half, full = 1 << (self.bits - 1), 1 << self.bits
        signed = lambda v: ((v + half) % full) - half
        flip = lambda v: v if v >= 0 else ~v ^ -half  # bits to order and back
        for at in range(len(data)):
            neighbour = at - 1 if at % width else at - width
            for c in range(len(self.last)):
                guess = 0 if neighbour < 0 else flip(signed(data[neighbour][c]))
                difference = signed(flip(signed(data[at][c])) - guess)
                folded = 2 * difference if difference >= 0 else -2 * difference - 1
                length = self._length(coder, self.trees[self.last[c]], folded.bit_length())
                self.last[c] = length
                coded = 1 if length > 0 else 0
                for b in range(length - 2, -1, -1):
                    coded = 2 * coded + coder.code(32768, folded >> b & 1)
                difference = coded >> 1 if coded & 1 == 0 else -(coded >> 1) - 1
                data[at][c] = flip(signed(guess + difference)) % full

    def _length(self, coder, tree, length):
        node = 1
        for b in range(5, -1, -1):
            p = tree[node]
            bit = coder.code(max(SQUASH[1], min(SQUASH[4095], p)), length >> b & 1)
            tree[node] = p + ((65535 - p) >> 5) if bit else p - (p >> 5)
            node = 2 * node + bit
        return min(self.bits, node - 64)


# --- quantiser -------------------------------------------------------------------------------------------------------

EIGHTHS = np.array([1, 1.0905077, 1.1892071, 1.2968396, 1.4142135, 1.5422108, 1.6817929, 1.8340081], np.float32)


def step_of(index):
    return float(EIGHTHS[index % 8]) * 2.0 ** (index // 8 - 20)


def quantise(latent, quality, scaling_factor):
    """Rounds to the nearest multiple of one step for all channels, the simplest quantiser.

    Returns the offsets, the index of the step, and the integers.
    """
    step = 2 ** ((50 - quality) / 20 - 1) / scaling_factor
    index = max(0, int(clip(round(8 * np.log2(step)), 95)) + 160)
    levels = np.rint(latent / step_of(index)).astype(np.int64)
    return [0, 0, 0], index, np.clip(levels, -(2**20), 2**20)


def dequantise(levels, offsets, steps):
    """Turns the integers of the coded channels, [N, coded, h, w], into numbers. `steps` holds an index for each."""
    size = np.abs(levels)
    offset = np.array([0, *offsets])[np.minimum(size, 3)]
    steps = np.array([step_of(index) for index in steps])[None, :, None, None]
    return (np.sign(levels) * ((size + offset / 256) * steps)).astype(np.float32)


# --- container -------------------------------------------------------------------------------------------------------


def varint(value):
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes(out + bytes([value]))


def write(latent, *, exact=None, quality=60, scaling_factor=1.0, channels=None, image_size=None, checkpoint="",
          encoder=None, decoder=None, title=None):  # fmt: skip
    """Writes a latent, [N, C, h, w], to a file: with `quality`, 1 to 100, or `exact`, "f32" or "f16".

    `channels` keeps the first channels only, this many; readers fill the others with zeros. `image_size` is (height,
    width) in pixels; `checkpoint` the repository; `encoder` and `decoder` its fingerprints in hex.
    """
    latent = np.ascontiguousarray(latent, np.float32)
    n, all_channels, height, width = latent.shape
    kept = all_channels if channels is None else channels
    if not 1 <= kept <= all_channels:
        raise ValueError(f"channels must be 1 to {all_channels}; it was {kept}")
    head = b"".join(varint(v) for v in (n, all_channels, height, width, *(image_size or (0, 0))))
    head += bytes.fromhex(encoder or "0" * 16) + bytes.fromhex(decoder or "0" * 16)
    head += varint(len(checkpoint.encode())) + checkpoint.encode()
    if exact is None:
        offsets, step, numbers = quantise(latent, quality, scaling_factor)
    else:
        bits = 32 if exact == "f32" else 16
        numbers = latent.astype("<f4" if bits == 32 else "<f2").view("<u4" if bits == 32 else "<u2")
    is_coded = numbers[:, :kept].any(axis=(0, 2, 3))  # a channel that is zero everywhere costs one bit
    numbers = numbers[:, :kept][:, is_coded]
    coded = numbers.shape[1]
    head += varint(kept) + np.packbits(is_coded, bitorder="little").tobytes()
    if exact is None:
        head += struct.pack("<B3b", quality, *offsets) + (bytes([1, step]) if coded else b"\0")
    model = LevelModel(coded) if exact is None else WordModel(coded, bits)
    if title is not None:
        head += b"titl" + varint(len(title.encode())) + title.encode()
    head = b"DCAE" + bytes([VERSION, CODINGS.index(exact or "quantised")]) + struct.pack("<I", len(head) + 14) + head
    head += struct.pack("<I", zlib.crc32(head))
    coder = Encoder()
    for picture in numbers:
        model.code(coder, picture.reshape(coded, height * width).T.tolist(), height, width)
    payload = coder.finish()
    return head + struct.pack("<I", len(payload)) + payload + struct.pack("<I", zlib.crc32(payload))


class _Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def raw(self, count):
        if self.at + count > len(self.data):
            raise FormatError("the header ends too early")
        self.at += count
        return self.data[self.at - count : self.at]

    def varint(self, least, most):
        value = shift = 0
        while True:
            byte = self.raw(1)[0]
            value |= (byte & 127) << shift
            if byte < 128:
                break
            shift += 7
            if shift > 28:
                raise FormatError("a number is too long")
        if not least <= value <= most:
            raise FormatError(f"{value} is not from {least} to {most}")
        return value


def inspect(data):
    """Returns the contents of a file's header."""
    if data[:4] != b"DCAE":
        raise FormatError("not a .dcae file")
    if len(data) < 10 or not 1 <= data[4] <= VERSION:
        raise FormatError("cut short, or of another version")
    length = struct.unpack("<I", data[6:10])[0]
    if not 14 <= length <= 1 << 24 or length > len(data):
        raise FormatError("the header is cut short or damaged")
    if struct.unpack("<I", data[length - 4 : length])[0] != zlib.crc32(data[: length - 4]):
        raise FormatError("the header is damaged")
    if data[5] >= len(CODINGS):
        raise FormatError("coded in a way that this program doesn't know")
    body = _Reader(data[10 : length - 4])
    shape = tuple(body.varint(1, most) for most in (1 << 16, 1 << 12, 1 << 20, 1 << 20))
    size = (body.varint(0, 1 << 30), body.varint(0, 1 << 30))
    info = {"coding": CODINGS[data[5]], "shape": shape, "image_size": None if size == (0, 0) else size}
    info["encoder"], info["decoder"] = body.raw(8).hex(), body.raw(8).hex()
    info["checkpoint"] = body.raw(body.varint(0, 255)).decode()
    info["kept_channels"] = kept = shape[1] if data[4] == 1 else body.varint(1, shape[1])
    info["coded_channels"] = list(range(kept))
    if data[4] > 1:
        mask = np.unpackbits(np.frombuffer(body.raw((kept + 7) // 8), np.uint8), bitorder="little")
        info["coded_channels"] = np.flatnonzero(mask).tolist()
        if mask[kept:].any():
            raise FormatError("a channel is coded that is not kept")
    if info["coding"] == "quantised":
        coded = len(info["coded_channels"])
        info["quality"], *info["offsets"] = struct.unpack("<B3b", body.raw(4))
        steps = list(body.raw(coded if data[4] == 1 else body.varint(0, coded)))
        if len(steps) not in (1, coded):
            raise FormatError(f"{len(steps)} steps for {coded} channels")
        info["steps"] = steps * coded if len(steps) == 1 else steps
    info["chunks"] = {}
    while body.at < len(body.data):
        kind = body.raw(4).decode("latin1")
        if kind[0].isupper():
            raise FormatError(f"a part, {kind}, that this program doesn't know and that it can't be decoded without")
        info["chunks"].setdefault(kind, body.raw(body.varint(0, 1 << 24)))
    return info | {"header_length": length}


def read(data):
    """Returns the latent, float32 [N, C, h, w], and the contents of the header."""
    info = inspect(data)
    start = info["header_length"] + 4
    length = struct.unpack("<I", data[start - 4 : start])[0] if len(data) >= start else 0
    if len(data) != start + length + 4:
        raise FormatError("the file is cut short, or something follows its end")
    payload = data[start : start + length]
    if struct.unpack("<I", data[-4:])[0] != zlib.crc32(payload):
        raise FormatError("the file is damaged")
    n, channels, height, width = info["shape"]
    coding, coded = info["coding"], len(info["coded_channels"])
    if n * coded * height * width > max(1 << 20, length << 15):
        raise FormatError("more numbers than so few bytes can hold")
    if n * channels * height * width > MAX_NUMBERS:
        raise FormatError("more numbers than dcae.MAX_NUMBERS")
    model = LevelModel(coded) if coding == "quantised" else WordModel(coded, 32 if coding == "f32" else 16)
    coder, pictures = Decoder(payload), []
    for _ in range(n):
        numbers = [[0] * coded for _ in range(height * width)]
        model.code(coder, numbers, height, width)
        pictures.append(np.array(numbers, np.int64).reshape(height * width, coded).T.reshape(coded, height, width))
    numbers = np.stack(pictures)
    latent = np.zeros(info["shape"], np.float32)
    if coding == "quantised":
        latent[:, info["coded_channels"]] = dequantise(numbers, info["offsets"], info["steps"])
    else:
        kind, stored = ("<f4", "<u4") if coding == "f32" else ("<f2", "<u2")
        latent[:, info["coded_channels"]] = numbers.astype(stored).view(kind).astype(np.float32)
    return latent, info


def main():
    import argparse

    parser = argparse.ArgumentParser(description="Latents of AutoencoderDC from and to .dcae files.")
    parser.add_argument("command", choices=["to-npy", "from-npy"])
    parser.add_argument("source")
    parser.add_argument("target")
    parser.add_argument("--exact", choices=["f32", "f16"])
    parser.add_argument("--quality", type=int, default=60)
    parser.add_argument("--scaling-factor", type=float, default=1.0)
    parser.add_argument("--channels", type=int, help="keep the first channels only")
    parser.add_argument("--checkpoint", default="")
    parser.add_argument("--title")
    args = parser.parse_args()
    if args.command == "to-npy":
        with open(args.source, "rb") as file:
            np.save(args.target, read(file.read())[0])
        return
    options = {"exact": args.exact, "quality": args.quality, "scaling_factor": args.scaling_factor}
    options |= {"channels": args.channels, "checkpoint": args.checkpoint, "title": args.title}
    data = write(np.load(args.source), **options)
    with open(args.target, "wb") as file:
        file.write(data)


if __name__ == "__main__":
    main()
