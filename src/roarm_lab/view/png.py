"""Pictures as PNG files, with nothing but the standard library."""

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

SIGNATURE = b"\x89PNG\r\n\x1a\n"
BITS, COLOUR = 8, 2
"""Eight bits for each of red, green and blue."""
UP = 2
"""The filter that writes a row as its difference from the one above."""
LEVEL = 9


def png(picture: NDArray[np.uint8]) -> bytes:
    """Return a picture [height, width, 3] as PNG.

    The format: https://www.w3.org/TR/png-3/
    """
    height, width = picture.shape[:2]
    rows = picture.reshape(height, -1)
    above = np.concatenate([np.zeros_like(rows[:1]), rows[:-1]])
    filtered = np.concatenate([np.full((height, 1), UP, np.uint8), rows - above], axis=1)  # bytes wrap, as they should
    head = struct.pack(">IIBBBBB", width, height, BITS, COLOUR, 0, 0, 0)
    data = zlib.compress(filtered.tobytes(), LEVEL)
    return SIGNATURE + _chunk(b"IHDR", head) + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
