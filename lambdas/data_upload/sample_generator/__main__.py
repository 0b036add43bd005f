"""Write the sample of one dataset to standard output: `python -m … item.json > sample.csv`."""

import argparse
import json
import sys
from decimal import Decimal
from pathlib import Path

from data_upload.sample_generator import SchemaError, csv_chunks, parse_schema
from data_upload.sample_generator.dynamodb_json import is_typed, plain_item


def main() -> None:
    """Read the item named on the command line and write its sample."""
    parser = argparse.ArgumentParser(prog="python -m data_upload.sample_generator")
    parser.add_argument("item", type=Path, help="dataset item as DynamoDB JSON or plain JSON")
    parser.add_argument("--default-rows", type=int, default=500, help="rows without num_devices")
    arguments = parser.parse_args()
    item = json.loads(arguments.item.read_text(encoding="utf-8"), parse_float=Decimal)
    item = item.get("Item", item)  # as `aws dynamodb get-item` prints it
    if is_typed(item):
        item = plain_item(item)
    try:
        schema = parse_schema(item, arguments.default_rows)
    except SchemaError as error:
        sys.exit(str(error))
    for chunk in csv_chunks(schema):
        sys.stdout.buffer.write(chunk)


if __name__ == "__main__":
    main()
