"""Draws the values of one column as fixed-width text, padded with NUL, by numpy table look-ups.

Whole numbers and decimals are drawn as integers in units of their last digit, so that both
bounds are exact and can be drawn.
"""

from collections.abc import Callable, Sequence
from decimal import Context, Decimal
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from data_upload.sample_generator.schema import (
    BINARY_TYPE,
    NUMBER_TYPE,
    STRING_TYPE,
    Column,
)
from data_upload.sample_generator.strings import pool

type Cells = NDArray[np.uint8]
# A table of texts of one width, NUL-padded, each one void scalar: numpy then copies whole texts.
type TextTable = NDArray[np.void]

_INT64 = np.iinfo(np.int64)
_MAX_DECIMALS = 18  # 10**18 is the largest power of ten in an int64
_FLOAT_DIGITS = 6  # resolution of a float column, in digits after the first of its span
_TABULATED_SPAN = 1_000  # up to so many values, a table of them is faster than their digits
_REPR_BYTES = 24  # of the longest float, such as -2.2250738585072014e-308
_GROUP_DIGITS = 4
_GROUP = 10**_GROUP_DIGITS


class ColumnValues(Protocol):
    """A column that can be drawn: `width` is the number of bytes of its widest value."""

    width: int

    def fill(self, cells: Cells, generator: np.random.Generator) -> None:
        """Overwrite all of `cells`, shape (rows, width), with the next values.

        How the rows are spread over calls makes no difference to the values.
        """


def column_values(column: Column, encode: Callable[[str], bytes]) -> ColumnValues:
    """Return what draws `column`; `encode` gives the text of a string in the file."""
    if column.bounds is None:
        texts = {STRING_TYPE: _strings, BINARY_TYPE: _flags}[column.type](column)
        return TabulatedValues([encode(text) for text in texts])
    minimum, maximum = column.bounds
    decimals = _decimals(minimum, maximum, whole=column.type == NUMBER_TYPE)
    if decimals is None:
        return FloatValues(float(minimum), float(maximum))
    lowest, highest = _units(minimum, decimals), _units(maximum, decimals)
    if decimals == 0 and highest - lowest < _TABULATED_SPAN:
        return TabulatedValues([b"%d" % value for value in range(lowest, highest + 1)])
    return DecimalValues(lowest, highest, decimals)


class TabulatedValues:
    """Draws evenly from a few given texts."""

    def __init__(self, texts: Sequence[bytes]) -> None:
        self._table = _text_table(texts)
        self.width = self._table.itemsize

    def fill(self, cells: Cells, generator: np.random.Generator) -> None:
        """Overwrite `cells` with the next values."""
        index = generator.integers(0, len(self._table), size=len(cells))
        _put(cells, 0, self._table, index)


class DecimalValues:
    """Draws evenly from the numbers of `decimals` digits after the point, in [lowest, highest].

    The bounds are int64 in units of the last digit.
    """

    def __init__(self, lowest: int, highest: int, decimals: int) -> None:
        self._lowest, self._highest = lowest, highest
        self._unit = 10**decimals
        self._signed = lowest < 0
        whole_digits = len(str(max(-lowest, highest, 0) // self._unit))
        self._whole_groups = -(-whole_digits // _GROUP_DIGITS)
        # The fraction's groups from the last to the first, which may be shorter.
        self._fraction_groups = [
            min(_GROUP_DIGITS, decimals - done) for done in range(0, decimals, _GROUP_DIGITS)
        ]
        self._whole_end = self._signed + self._whole_groups * _GROUP_DIGITS
        self.width = self._whole_end + (decimals + 1 if decimals else 0)

    def fill(self, cells: Cells, generator: np.random.Generator) -> None:
        """Overwrite `cells` with the next values."""
        drawn = generator.integers(self._lowest, self._highest, size=len(cells), endpoint=True)
        magnitude = drawn.view(np.uint64)
        if self._signed:
            negative = drawn < 0
            cells[:, 0] = np.where(negative, ord("-"), 0)
            # Unsigned negation, which is right for the least int64 too.
            magnitude = np.where(negative, ~magnitude + np.uint64(1), magnitude)
        if self._fraction_groups:
            whole = magnitude // np.uint64(self._unit)
            self._fill_fraction(cells, magnitude - whole * np.uint64(self._unit))
        else:
            whole = magnitude
        self._fill_whole(cells, whole)

    def _fill_fraction(self, cells: Cells, fraction: NDArray[np.uint64]) -> None:
        cells[:, self._whole_end] = ord(".")
        end = self.width
        for digits in self._fraction_groups:
            end -= digits
            rest = fraction // np.uint64(10**digits)
            _put(cells, end, _PADDED[digits], fraction - rest * np.uint64(10**digits))
            fraction = rest

    def _fill_whole(self, cells: Cells, whole: NDArray[np.uint64]) -> None:
        end = self._whole_end
        table = _LAST_GROUP
        for _ in range(self._whole_groups):
            end -= _GROUP_DIGITS
            rest = whole // np.uint64(_GROUP)
            group = whole - rest * np.uint64(_GROUP)
            # The upper half of the table has the zeros that a number needs inside of it.
            _put(cells, end, table, group + (rest > 0) * np.uint64(_GROUP))
            whole, table = rest, _INNER_GROUP


class FloatValues:
    """Draws evenly from the floats in [minimum, maximum], of any magnitude; slow."""

    width = _REPR_BYTES

    def __init__(self, minimum: float, maximum: float) -> None:
        self._minimum, self._maximum = minimum, maximum

    def fill(self, cells: Cells, generator: np.random.Generator) -> None:
        """Overwrite `cells` with the next values."""
        share = generator.random(len(cells))
        # Weighted, since the difference of the bounds may be beyond all floats.
        drawn = self._minimum * (1 - share) + self._maximum * share
        drawn = drawn.clip(self._minimum, self._maximum)
        texts = np.array([repr(value).encode("ascii") for value in drawn.tolist()], "S24")
        _put(cells, 0, texts.view("V24"), np.arange(len(cells)))


def _strings(column: Column) -> Sequence[str]:
    return pool(column.name, column.description)


def _flags(_: Column) -> Sequence[str]:
    return ("0", "1")


def _decimals(minimum: Decimal, maximum: Decimal, *, whole: bool) -> int | None:
    """Return how many decimals to draw, or None where no int64 can count such units."""
    needed = max(_scale(minimum), _scale(maximum))
    if needed > _MAX_DECIMALS:
        return None
    if not (whole and needed == 0):
        # At least one, so that readers take the column for floats.
        needed = max(1, needed)
        if maximum > minimum:
            needed = max(needed, _FLOAT_DIGITS - (maximum - minimum).adjusted())
    if needed > _MAX_DECIMALS:
        return None
    counted = _INT64.min <= _units(minimum, needed) and _units(maximum, needed) <= _INT64.max
    return needed if counted else None


def _scale(number: Decimal) -> int:
    """Return the number of digits after the decimal point, without zeros at the end."""
    if not number:
        return 0
    _, digits, exponent = number.as_tuple()
    trailing_zeros = next(count for count, digit in enumerate(reversed(digits)) if digit)
    return max(0, -int(exponent) - trailing_zeros)


def _units(number: Decimal, decimals: int) -> int:
    return int(number.scaleb(decimals, Context(prec=2 * _MAX_DECIMALS + 2)))


def _put(cells: Cells, start: int, table: TextTable, index: NDArray[Any]) -> None:
    end = start + table.itemsize
    cells[:, start:end].view(table.dtype)[:, 0] = table.take(index)


def _text_table(texts: Sequence[bytes]) -> TextTable:
    padded = np.array(texts, "S")
    return padded.view(f"V{padded.itemsize}")


def _group_table(zero: bytes) -> TextTable:
    """Return the texts of 0 to 9999 at the start of a number, then within it.

    `zero` is what a zero at the start leaves.
    """
    leading = [zero, *(b"%d" % group for group in range(1, _GROUP))]
    return _text_table([*leading, *(b"%04d" % group for group in range(_GROUP))])


_PADDED = {
    digits: _text_table([b"%0*d" % (digits, group) for group in range(10**digits)])
    for digits in range(1, _GROUP_DIGITS + 1)
}
_LAST_GROUP = _group_table(b"0")
_INNER_GROUP = _group_table(b"")
