"""Generates plausible sample data for a dataset of the marketplace.

The input is an item of `dataset_table` as plain Python values, the output a CSV file as a stream
of byte chunks. The same item gives the same bytes in every run and on every machine.
"""

from data_upload.sample_generator.csv_stream import csv_chunks
from data_upload.sample_generator.fingerprint import GENERATOR_VERSION, fingerprint
from data_upload.sample_generator.schema import Schema, SchemaError, parse_schema

__all__ = [
    "GENERATOR_VERSION",
    "Schema",
    "SchemaError",
    "csv_chunks",
    "fingerprint",
    "parse_schema",
]
