"""Writes the pickle of a model without numpy.

Its arrays are rebuilt by `numpy.core.multiarray._reconstruct`, `numpy.ndarray` and `numpy.dtype`,
its only callables. Every numpy from 1.x to 2.x has them under these names, while what numpy 2
itself writes does not open under numpy 1.
"""

import struct
from collections.abc import Iterator, Sequence
from pickle import (
    APPENDS,
    BINBYTES,
    BINGET,
    BININT,
    BINPUT,
    BINUNICODE,
    BUILD,
    EMPTY_DICT,
    EMPTY_LIST,
    GLOBAL,
    MARK,
    NEWFALSE,
    NEWTRUE,
    NONE,
    PROTO,
    REDUCE,
    SETITEMS,
    STOP,
    TUPLE,
)

from model_retrieval.model_file.state import DType, Tensor

# The oldest protocol with bytes of their own: every Python 3 reads it.
_PROTOCOL = 3


def model_pickle(
    model_id: str, version: str, checkpoint: int, tensors: Sequence[Tensor], state: memoryview
) -> Iterator[bytes | memoryview]:
    """Yield the pickle of a dict of these arguments, with `tensors` as arrays in `parameters`.

    Raises `DamagedState` for an element that its type cannot hold.
    """
    arrays = _Arrays()
    yield PROTO + bytes([_PROTOCOL]) + EMPTY_DICT + MARK
    yield _text("model_id") + _text(model_id)
    yield _text("version") + _text(version)
    yield _text("checkpoint") + _integer(checkpoint)
    yield _text("parameters") + EMPTY_LIST + MARK
    for tensor in tensors:
        yield arrays.head(tensor)
        yield from tensor.chunks()
        yield TUPLE + BUILD
    yield APPENDS
    yield _text("state") + _bytes_head(len(state))
    yield state
    yield SETITEMS + STOP


class _Arrays:
    """Writes what precedes the elements of arrays, naming what arrays share only once."""

    def __init__(self) -> None:
        self._memo: dict[object, int] = {}

    def head(self, tensor: Tensor) -> bytes:
        """Return all up to the elements; they are the last entry of a tuple to build from."""
        empty = MARK + _integer(0) + TUPLE
        return b"".join(
            (
                self._once("_reconstruct", GLOBAL + b"numpy.core.multiarray\n_reconstruct\n"),
                MARK + self._once("ndarray", GLOBAL + b"numpy\nndarray\n") + empty,
                _bytes_head(1) + b"b" + TUPLE + REDUCE,
                MARK + _integer(1),  # the version of this form
                MARK + b"".join(map(_integer, tensor.shape)) + TUPLE,
                self._once(tensor.dtype.code, self._dtype(tensor.dtype)),
                NEWFALSE + _bytes_head(tensor.size_bytes),
            )
        )

    def _dtype(self, dtype: DType) -> bytes:
        order = "|" if dtype.size_bytes == 1 else "<"
        return b"".join(
            (
                self._once("dtype", GLOBAL + b"numpy\ndtype\n"),
                MARK + _text(dtype.code) + NEWFALSE + NEWTRUE + TUPLE + REDUCE,
                MARK + _integer(3) + _text(order) + NONE * 3,
                _integer(-1) * 2 + _integer(0) + TUPLE + BUILD,
            )
        )

    def _once(self, name: str, content: bytes) -> bytes:
        if name in self._memo:
            return BINGET + bytes([self._memo[name]])
        self._memo[name] = len(self._memo)
        return content + BINPUT + bytes([self._memo[name]])


def _text(text: str) -> bytes:
    encoded = text.encode()
    return BINUNICODE + struct.pack("<I", len(encoded)) + encoded


def _integer(value: int) -> bytes:
    return BININT + struct.pack("<i", value)


def _bytes_head(length: int) -> bytes:
    return BINBYTES + struct.pack("<I", length)
