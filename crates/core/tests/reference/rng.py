"""Golden values of the generator, from an independent ChaCha8, for tests/it/rng.rs.

    python rng.py

The key is the seed (little endian, 8 bytes) followed by the domain string; the 64-bit block
counter starts at 0 and the 64-bit nonce is the stream.
"""

import math
import struct

MASK = 0xFFFFFFFF
DOMAIN = b"landscape-core rng v1\0\0\0"


def quarter(s, a, b, c, d):
    for x, y, z, turn in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
        s[x] = (s[x] + s[y]) & MASK
        s[z] ^= s[x]
        s[z] = ((s[z] << turn) | (s[z] >> (32 - turn))) & MASK


def words(seed, stream):
    key = struct.unpack("<8I", struct.pack("<Q", seed) + DOMAIN)
    counter = 0
    while True:
        start = [0x61707865, 0x3320646E, 0x79622D32, 0x6B206574, *key]
        start += [counter & MASK, counter >> 32, stream & MASK, stream >> 32]
        s = list(start)
        for _ in range(4):
            for q in ((0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15)):
                quarter(s, *q)
            for q in ((0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14)):
                quarter(s, *q)
        yield from ((a + b) & MASK for a, b in zip(s, start))
        counter += 1


def bits(seed, stream):
    stream_of_words = words(seed, stream)
    while True:
        low = next(stream_of_words)
        yield next(stream_of_words) << 32 | low


def normals(seed, stream):
    source = bits(seed, stream)
    while True:
        u, v = ((next(source) >> 11) * 2.0**-53 for _ in range(2))
        radius = math.sqrt(-2.0 * math.log(1.0 - u))
        yield radius * math.cos(2.0 * math.pi * v)
        yield radius * math.sin(2.0 * math.pi * v)


for seed, stream in ((0, 0), (0, 1), (42, 0), (2**64 - 1, 7)):
    source = bits(seed, stream)
    drawn = [next(source) for _ in range(100)]
    print(seed, stream, [hex(drawn[i]) for i in (0, 1, 2, 99)])
    source = normals(seed, stream)
    print(seed, stream, [next(source) for _ in range(4)])
