"""Writes the sample of a schema as CSV: RFC 4180, quoted where needed, UTF-8 without BOM.

A chunk of rows is drawn into a matrix of bytes in which every cell has its column's full width,
padded with NUL; taking the NULs out then leaves the CSV text. So no Python code runs per row.
"""

import hashlib
import json
import re
from collections.abc import Iterator

import numpy as np

from data_upload.sample_generator.columns import column_values
from data_upload.sample_generator.schema import Schema

_LINE_END = b"\r\n"
# Of padded text: the matrix and its temporaries then stay within the caches of one core.
_CHUNK_BYTES = 1024 * 1024
# Besides what separates fields and records: blanks at the edges, for readers that would trim
# them, and a BOM, which would be taken for the file's own at its start.
_QUOTED = re.compile(r'[",\r\n]|^[\s\ufeff]|\s$')


def csv_chunks(schema: Schema) -> Iterator[bytes]:
    """Yield the CSV file of `schema` from its header on, in chunks of about a MiB or less.

    A column's values depend only on the dataset's id, the column's own name, type, description
    and range, and the row: other columns may come and go.
    """
    yield b",".join(_field(column.name) for column in schema.columns) + _LINE_END
    values = [column_values(column, _field) for column in schema.columns]
    generators = [_generator(schema.dataset_id, column.name) for column in schema.columns]
    row_bytes = sum(column.width + 1 for column in values) + len(_LINE_END) - 1
    chunk_rows = min(schema.rows, max(1, _CHUNK_BYTES // row_bytes))
    buffer = bytearray(chunk_rows * row_bytes)
    cells = np.frombuffer(buffer, np.uint8).reshape(chunk_rows, row_bytes)
    cells[:, -len(_LINE_END) :] = np.frombuffer(_LINE_END, np.uint8)
    for start in range(0, schema.rows, chunk_rows):
        rows = min(chunk_rows, schema.rows - start)
        offset = 0
        for column, generator in zip(values, generators, strict=True):
            if offset:
                cells[:rows, offset - 1] = ord(",")
            column.fill(cells[:rows, offset : offset + column.width], generator)
            offset += column.width + 1
        # The last chunk may be shorter; NULs behind its rows vanish like the padding.
        cells[rows:] = 0
        yield bytes(buffer.translate(None, b"\0"))


def _field(text: str) -> bytes:
    if _QUOTED.search(text):
        text = '"' + text.replace('"', '""') + '"'
    return text.encode()


def _generator(dataset_id: str, column: str) -> np.random.Generator:
    # PCG64 by name, since what `default_rng` stands for may change.
    digest = hashlib.sha256(json.dumps([dataset_id, column]).encode("ascii")).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest)))
