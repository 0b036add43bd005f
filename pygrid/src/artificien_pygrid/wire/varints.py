"""Packed varints, a whole array at a time.

Protobuf stores the elements of integer tensors as varints: seven bits a byte, least significant
first, the high bit set on all bytes but the last. A negative number is its 64-bit two's complement.
"""

import numpy as np

_MAX_BYTES = 10  # of a varint: ceil(64 / 7)
_MORE = 0x80
_BITS = 0x7F


def decode_varints(packed: bytes) -> np.ndarray:
    """Decode packed varints.

    Returns:
        The int64 values, shape (n,).

    Raises:
        ValueError: The last varint is cut off, or one is longer than 64 bits.
    """
    octets = np.frombuffer(packed, np.uint8)
    last = octets < _MORE
    if last.all():
        return octets.astype(np.int64)
    if not last[-1]:
        raise ValueError("the last element is cut off")
    ends = np.flatnonzero(last)
    starts = np.concatenate(([0], ends[:-1] + 1))
    lengths = ends - starts + 1
    if lengths.max() > _MAX_BYTES:
        raise ValueError("an element is longer than 64 bits")
    values = np.zeros(len(ends), np.uint64)
    for position in range(lengths.max()):
        longer = np.flatnonzero(lengths > position)
        bits = (octets[starts[longer] + position] & _BITS).astype(np.uint64)
        values[longer] |= bits << np.uint64(7 * position)
    return values.view(np.int64)


def encode_varints(values: np.ndarray) -> bytes:
    """Encode integers or booleans of any shape, in C order, as packed varints."""
    unsigned = values.astype(np.int64).ravel().view(np.uint64)
    groups = unsigned[:, None] >> np.arange(0, 7 * _MAX_BYTES, 7, dtype=np.uint64)
    follows = groups[:, 1:] != 0  # whether anything is left for the bytes after this one
    octets = (groups & np.uint64(_BITS)).astype(np.uint8)
    octets[:, :-1] |= np.where(follows, np.uint8(_MORE), np.uint8(0))
    kept = np.concatenate((np.ones((len(unsigned), 1), np.bool_), follows), axis=1)
    return bytes(octets[kept])
