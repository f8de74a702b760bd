"""Reads and writes .dcae files: latents of AutoencoderDC, quantised or exact. NumPy only.

    import dcae
    latent, info = dcae.read(open("photo.dcae", "rb").read())     # float32 [N, C, h, w], not scaled: vae.decode(latent)
    data = dcae.write(latent, exact="f16")                        # keeps every bit of the numbers as f16
    data = dcae.write(latent, quality=60, scaling_factor=0.41407) # as small as a picture

From a shell: python dcae.py to-npy photo.dcae latent.npy; python dcae.py from-npy latent.npy photo.dcae --exact f16

The format is that of docs/dcae-format.md, and this is a second program that knows it, made to be read rather than to be fast: some twenty
thousand numbers a second. Apache-2.0.
"""

import struct
import zlib

import numpy as np

VERSION = 1
CODINGS = ["quantised", "f32", "f16"]


class FormatError(ValueError):
    """What isn't a whole, undamaged file of this version."""


def wrap(value):
    """The signed number of 32 bits that this is congruent to."""
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
    def __init__(self, sizes, kinds, weight):
        self.states = [[[[32768, 0] for _ in range(kinds)] for _ in range(size)] for size in sizes]
        self.weights = [[weight] * 4 for _ in range(kinds)]

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
        for m in range(4):
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
        self.weights = [[0] * (3 * channels + 4) for _ in range(channels)]
        self.energies = [0] * channels
        self.rates = [1 << 26] * channels
        self.energy = self.seen = 0

    def row(self):
        ranked = sorted(range(self.channels), key=lambda c: (-self.energies[c], c))
        self.leaders = ranked[:8]

    def position(self, data, near):
        self.shared = []
        self.prior = 25 * (8 * self.energy // max(1, self.seen)) + 40
        if near is None:
            return
        for c in self.leaders:
            self._add(self.shared, c, c, data[near[0]][c])
            self._add(self.shared, self.channels + c, c, data[near[1]][c])

    def predict(self, data, near, c):
        inputs = list(self.shared)
        if near is not None:
            if c not in self.leaders:
                self._add(inputs, c, c, data[near[0]][c])
                self._add(inputs, self.channels + c, c, data[near[1]][c])
            for k in range(4):
                self._add(inputs, 3 * self.channels + k, c, data[near[2 + k]][c])
        self.inputs = inputs
        weights = self.weights[c]
        return wrap(sum(weights[place] * value for place, value, _ in inputs)) >> 10

    def learn(self, c, value, prediction):
        error = clip(value * 64 - prediction, 32767)
        weights = self.weights[c]
        for place, _, speed in self.inputs:
            weights[place] = wrap(weights[place] + ((error * speed + 512) >> 10))
        square = clip(value, 2047) ** 2
        self.energy += square
        self.seen += 1
        self.energies[c] += square
        self.rates[c] = (1 << 30) // (self.energies[c] + self.prior)
        if c in self.leaders:
            self._add(self.shared, 2 * self.channels + c, c, value)

    def _add(self, inputs, place, c, value):
        if value != 0:
            value = clip(value, 2047)
            inputs.append((place, value, clip(value * self.rates[c] // 1024, 32767)))


# --- the model of a quantised latent -----------------------------------------------------------------------------------


def size_class(n):
    n = min(4095, n)
    if n == 0:
        return 0
    k = n.bit_length() - 1
    return min(23, 2 * k + (5 * n >= 7 << k) + 1)


def sign(value):
    return (value > 0) - (value < 0) + 1


def neighbours(y, x, width):
    """Left, upper, upper left, upper right, two to the left, two up."""
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
        at - 2 if x > 1 else left,
        upper - width if y > 1 else upper,
    )


class LevelModel:
    def __init__(self, channels):
        self.predictor = Predictor(channels)
        self.sizes = Mixer([576, 144, channels * 24, 576], 6, 18432)
        self.signs = Mixer([288, 12 * channels, 9 * channels, 9 * channels], 1, 20480)
        self.means = [8192] * channels
        self.counts = [0] * channels

    def code(self, coder, data, height, width):
        """Codes `data`, a list of the integers of each position, in either direction."""
        channels = len(self.means)
        errors = [[0] * channels for _ in data]
        energies = [0] * len(data)
        for at in range(height * width):
            y, x = divmod(at, width)
            if x == 0:
                self.predictor.row()
            near = neighbours(y, x, width)
            self.predictor.position(data, near)
            around = 1024 if near is None else 2 * (energies[near[0]] + energies[near[1]]) // channels
            energy = last = 0
            for c in range(channels):
                prediction = self.predictor.predict(data, near, c)
                whole = (prediction + 32) >> 6
                part = prediction - whole * 64

                mean = self.means[c]
                share = min(16383, (energy + around) // (c + 4))
                by_energy = (mean >> 6) * share >> 10
                nearby = expected = by_energy
                if near is not None:
                    e = [errors[n][c] for n in near]
                    nearby = 37 * (4 * (e[0] + e[1]) + 2 * (e[2] + e[3]) + e[4] + e[5]) >> 9
                    expected = (2 * nearby + 3 * by_energy) * 13 >> 6
                size = size_class(expected)
                self.sizes.select(
                    size_class(nearby) * 24 + size_class(by_energy),
                    size * 6 + min(5, 12 * abs(part) >> 6),
                    c * 24 + size,
                    size_class(mean >> 8) * 24 + size_class(last),
                )
                difference = data[at][c] - whole
                shift = max(0, (expected >> 6).bit_length() - 4)
                value = whole
                magnitude = self._magnitude(coder, abs(difference), shift)
                if magnitude > 0:
                    slope = 12 * (part + 32) >> 6
                    around_sign = 4 if near is None else 3 * sign(data[near[0]][c]) + sign(data[near[1]][c])
                    before_sign = 4 if c < 2 else 3 * sign(data[at][c - 1]) + sign(data[at][c - 2])
                    self.signs.select(slope * 24 + size, slope * channels + c, 9 * c + around_sign, 9 * c + before_sign)
                    positive = self.signs.code(coder, 0, 1 if difference > 0 else 0)
                    value = whole + magnitude if positive else whole - magnitude
                data[at][c] = value
                self.predictor.learn(c, value, prediction)
                last = errors[at][c] = min(4095, abs(value * 64 - prediction))
                mean += (256 * last - mean) * (2048 // (2 * self.counts[c] + 3)) >> 10
                self.means[c] = mean
                self.counts[c] = min(60, self.counts[c] + 1)
                energy += min(16383, (last << 16) // max(256, mean))
            energies[at] = energy

    def _magnitude(self, coder, size, shift):
        high, coded = size >> shift, 0
        while coded < 20 and self.sizes.code(coder, min(coded, 5), 1 if high > coded else 0):
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


# --- the model of exact numbers ----------------------------------------------------------------------------------------


class WordModel:
    def __init__(self, channels, bits):
        self.bits = bits
        self.last = [0] * channels
        self.trees = [[32768] * 64 for _ in range(33)]

    def code(self, coder, data, _height, width):
        """Codes `data`, a list of the numbers' bits at each position, in either direction."""
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


# --- quantiser ---------------------------------------------------------------------------------------------------------

EIGHTHS = np.array([1, 1.0905077, 1.1892071, 1.2968396, 1.4142135, 1.5422108, 1.6817929, 1.8340081], np.float32)


def step_of(index):
    return float(EIGHTHS[index % 8]) * 2.0 ** (index // 8 - 20)


def quantise(latent, quality, scaling_factor):
    """Rounds to the nearest multiple of a step: the simplest choice that a writer has."""
    step = 2 ** ((50 - quality) / 20 - 1) / scaling_factor
    index = int(clip(round(8 * np.log2(step)), 95)) + 160
    levels = np.rint(latent / step_of(max(0, index))).astype(np.int64)
    return [0, 0, 0], [max(0, index)] * latent.shape[1], np.clip(levels, -(2**20), 2**20)


def dequantise(levels, offsets, steps):
    size = np.abs(levels)
    offset = np.array([0, *offsets])[np.minimum(size, 3)]
    steps = np.array([step_of(index) for index in steps])[None, :, None, None]
    return (np.sign(levels) * ((size + offset / 256) * steps)).astype(np.float32)


# --- container ---------------------------------------------------------------------------------------------------------


def varint(value):
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes(out + bytes([value]))


def write(latent, *, exact=None, quality=60, scaling_factor=1.0, image_size=None, checkpoint="", encoder=None,
          decoder=None, title=None):  # fmt: skip
    """A file of a latent, [N, C, h, w]: `exact` "f32" or "f16", or by `quality`, 1 to 100.

    `image_size` is (height, width) in pixels; `checkpoint` the repository; `encoder` and `decoder` its fingerprints in hex.
    """
    latent = np.ascontiguousarray(latent, np.float32)
    n, channels, height, width = latent.shape
    head = b"".join(varint(v) for v in (n, channels, height, width, *(image_size or (0, 0))))
    head += bytes.fromhex(encoder or "0" * 16) + bytes.fromhex(decoder or "0" * 16)
    head += varint(len(checkpoint.encode())) + checkpoint.encode()
    if exact is None:
        offsets, steps, numbers = quantise(latent, quality, scaling_factor)
        head += struct.pack("<B3b", quality, *offsets) + bytes(steps)
        model = LevelModel(channels)
    else:
        bits = 32 if exact == "f32" else 16
        numbers = latent.astype("<f4" if bits == 32 else "<f2").view("<u4" if bits == 32 else "<u2")
        model = WordModel(channels, bits)
    if title is not None:
        head += b"titl" + varint(len(title.encode())) + title.encode()
    head = b"DCAE" + bytes([VERSION, CODINGS.index(exact or "quantised")]) + struct.pack("<I", len(head) + 14) + head
    head += struct.pack("<I", zlib.crc32(head))
    coder = Encoder()
    for picture in numbers:
        model.code(coder, picture.reshape(channels, -1).T.tolist(), height, width)
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
    """What a file says of itself."""
    if data[:4] != b"DCAE":
        raise FormatError("not a .dcae file")
    if len(data) < 10 or data[4] != VERSION:
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
    if info["coding"] == "quantised":
        info["quality"], *offsets = struct.unpack("<B3b", body.raw(4))
        info["offsets"], info["steps"] = offsets, list(body.raw(shape[1]))
    info["chunks"] = {}
    while body.at < len(body.data):
        kind = body.raw(4).decode("latin1")
        if kind[0].isupper():
            raise FormatError(f"a part, {kind}, that this program doesn't know and that it can't be decoded without")
        info["chunks"].setdefault(kind, body.raw(body.varint(0, 1 << 24)))
    return info | {"header_length": length}


def read(data):
    """The latent, float32 [N, C, h, w], and what the file says of itself."""
    info = inspect(data)
    start = info["header_length"] + 4
    length = struct.unpack("<I", data[start - 4 : start])[0] if len(data) >= start else 0
    if len(data) != start + length + 4:
        raise FormatError("the file is cut short, or something follows its end")
    payload = data[start : start + length]
    if struct.unpack("<I", data[-4:])[0] != zlib.crc32(payload):
        raise FormatError("the file is damaged")
    n, channels, height, width = info["shape"]
    if n * channels * height * width > max(1 << 20, length << 15):
        raise FormatError("more numbers than so few bytes can hold")
    coding = info["coding"]
    model = LevelModel(channels) if coding == "quantised" else WordModel(channels, 32 if coding == "f32" else 16)
    coder, pictures = Decoder(payload), []
    for _ in range(n):
        numbers = [[0] * channels for _ in range(height * width)]
        model.code(coder, numbers, height, width)
        pictures.append(np.array(numbers, np.int64).T.reshape(channels, height, width))
    numbers = np.stack(pictures)
    if coding == "quantised":
        return dequantise(numbers, info["offsets"], info["steps"]), info
    kind, stored = ("<f4", "<u4") if coding == "f32" else ("<f2", "<u2")
    return numbers.astype(stored).view(kind).astype(np.float32), info


def main():
    import argparse

    parser = argparse.ArgumentParser(description="Latents of AutoencoderDC from and to .dcae files.")
    parser.add_argument("command", choices=["to-npy", "from-npy"])
    parser.add_argument("source")
    parser.add_argument("target")
    parser.add_argument("--exact", choices=["f32", "f16"])
    parser.add_argument("--quality", type=int, default=60)
    parser.add_argument("--scaling-factor", type=float, default=1.0)
    parser.add_argument("--checkpoint", default="")
    parser.add_argument("--title")
    args = parser.parse_args()
    if args.command == "to-npy":
        with open(args.source, "rb") as file:
            np.save(args.target, read(file.read())[0])
        return
    options = {"exact": args.exact, "quality": args.quality, "scaling_factor": args.scaling_factor}
    data = write(np.load(args.source), **options, checkpoint=args.checkpoint, title=args.title)
    with open(args.target, "wb") as file:
        file.write(data)


if __name__ == "__main__":
    main()
