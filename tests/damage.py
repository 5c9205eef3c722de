"""Files that a bad disk, or a broken transfer, leaves."""

import numpy as np

PLACES = 200


def damaged(content: bytes, seed: int):
    """(kind, place, content) for `PLACES` random bits turned over, and as many random lengths."""
    random = np.random.RandomState(seed)
    for place in random.randint(0, 8 * len(content), PLACES):
        flipped = bytearray(content)
        flipped[place // 8] ^= 1 << (place % 8)
        yield "bit", int(place), bytes(flipped)
    for length in random.randint(0, len(content), PLACES):
        yield "length", int(length), content[:length]
