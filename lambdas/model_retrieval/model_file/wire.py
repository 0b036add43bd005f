"""Reads protobuf's wire format: fields of a message, and packed elements."""

from collections.abc import Iterator

_VARINT, _FIXED64, _LENGTH, _FIXED32 = 0, 1, 2, 5
_FIXED_BYTES = {_FIXED64: 8, _FIXED32: 4}
_MORE = 0x80
_BITS = 0x7F
_VARINT_BITS = 64
_UNFINISHED = bytes(range(_MORE, 0x100))
# So many bytes are copied at a time to be counted.
_BLOCK = 1024 * 1024


class DamagedState(ValueError):  # noqa: N818 - it names the payload, not the failure
    """What the node sent is no whole checkpoint of portable tensors."""


def read_fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Yield number and value of each field: a whole number, or a view of the bytes.

    Raises `DamagedState` where the message is cut off or no message.
    """
    position = 0
    while position < len(message):
        key, position = _read_varint(message, position)
        number, kind = key >> 3, key & 7
        if kind == _VARINT:
            value, position = _read_varint(message, position)
            yield number, value
            continue
        if kind == _LENGTH:
            length, position = _read_varint(message, position)
        elif kind in _FIXED_BYTES:
            length = _FIXED_BYTES[kind]
        else:
            raise DamagedState(f"field {number} has the unknown wire type {kind}")
        if length > len(message) - position:
            raise DamagedState(f"field {number} is cut off")
        yield number, message[position : position + length]
        position += length


def count_varints(packed: memoryview) -> int:
    """Return the number of packed varints. Raises `DamagedState` if the last one is cut off."""
    if packed and packed[-1] >= _MORE:
        raise DamagedState("the last element is cut off")
    return sum(
        len(bytes(packed[start : start + _BLOCK]).translate(None, _UNFINISHED))
        for start in range(0, len(packed), _BLOCK)
    )


def read_varints(packed: memoryview) -> Iterator[int]:
    """Yield packed varints, taken as signed numbers of 64 bits.

    Raises `DamagedState` where one is longer.
    """
    value = shift = 0
    for octet in packed:
        value |= (octet & _BITS) << shift
        shift += 7
        if octet < _MORE:
            yield _signed(value)
            value = shift = 0
        elif shift >= _VARINT_BITS:
            raise DamagedState("an element is longer than 64 bits")


def _read_varint(message: memoryview, position: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, _VARINT_BITS, 7):
        if position == len(message):
            raise DamagedState("a number is cut off")
        octet = message[position]
        position += 1
        value |= (octet & _BITS) << shift
        if octet < _MORE:
            return value, position
    raise DamagedState("a number is longer than 64 bits")


def _signed(value: int) -> int:
    value &= (1 << _VARINT_BITS) - 1
    return value - (1 << _VARINT_BITS) if value >> (_VARINT_BITS - 1) else value
