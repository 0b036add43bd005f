"""Tells whether two items would give the same sample."""

import hashlib
import json
from collections.abc import Mapping
from decimal import Decimal

from data_upload.sample_generator.schema import asks_for_default_rows

# To be raised whenever the same item gives other bytes than before: every sample is then stale.
GENERATOR_VERSION = 1

_ATTRIBUTES = (
    "dataset_id",
    "attributes",
    "attributeTypes",
    "attributeRangeMins",
    "attributeRangeMaxes",
    "attributeDescriptions",
)


def fingerprint(item: Mapping[str, object], default_rows: int) -> str:
    """Return the SHA-256, in hexadecimal, of all that decides the content of the sample.

    It is taken over the attributes as they are, so that a bad schema has a fingerprint too and is
    not examined again and again.
    """
    relevant = {name: item.get(name) for name in _ATTRIBUTES}
    relevant["rows"] = default_rows if asks_for_default_rows(item) else item["num_devices"]
    relevant["generator_version"] = GENERATOR_VERSION
    canonical = json.dumps(relevant, sort_keys=True, separators=(",", ":"), default=_encodable)
    return hashlib.sha256(canonical.encode("ascii")).hexdigest()


def _encodable(value: object) -> object:
    match value:
        case Decimal():
            return {"N": str(value)}
        case bytes():
            return {"B": value.hex()}
        case frozenset():
            return {"set": sorted(map(str, value))}
    raise TypeError(f"a DynamoDB item cannot hold {type(value).__name__}")
