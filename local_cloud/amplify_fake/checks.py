"""Whether values are what a shape of the service model says."""

import re
from typing import Any

from botocore.model import Shape
from botocore.validate import ParamValidator

# Classes of characters in Java's patterns that Python has no word for, and what comes close.
CLASSES = {r"\p{L}": r"a-zA-Z\u00aa-\uffff", r"\p{N}": r"\d", r"\p{Z}": r"\s"}


def faults(value: Any, shape: Shape) -> list[str]:
    """Return what is wrong with a value, in words; an empty list if nothing is."""
    # Members that are required or unknown, and types.
    report = ParamValidator().validate(value, shape)
    if report.has_errors():
        return [report.generate_report()]
    return list(_faults("", value, shape))


def _faults(name: str, value: Any, shape: Any) -> list[str]:
    # What botocore knows and leaves to the service.
    found = []
    if shape.type_name == "structure":
        unknown = sorted(value.keys() - shape.members.keys())
        found += [f"{name}: unknown member {member}" for member in unknown]
        for member in value.keys() & shape.members.keys():
            found += _faults(f"{name}.{member}".lstrip("."), value[member], shape.members[member])
    elif shape.type_name == "list":
        for position, entry in enumerate(value):
            found += _faults(f"{name}[{position}]", entry, shape.member)
        found += _size(name, len(value), shape)
    elif shape.type_name == "map":
        for key, entry in value.items():
            found += _faults(f"{name} key", key, shape.key)
            found += _faults(f"{name}[{key}]", entry, shape.value)
        found += _size(name, len(value), shape)
    elif shape.type_name == "string":
        found += _text(name, value, shape) + _size(name, len(value), shape)
    elif shape.type_name in {"integer", "long"}:
        found += _size(name, value, shape)
    return found


def _size(name: str, size: int, shape: Shape) -> list[str]:
    least, most = shape.metadata.get("min", size), shape.metadata.get("max", size)
    return [] if least <= size <= most else [f"{name}: {size} is not within {least} and {most}"]


def _text(name: str, value: str, shape: Any) -> list[str]:
    found = []
    if shape.enum and value not in shape.enum:
        found.append(f"{name}: {value!r} is none of {', '.join(shape.enum)}")
    pattern = shape.metadata.get("pattern")
    if pattern and not re.fullmatch(_in_python(pattern), value):
        found.append(f"{name}: the value does not match {pattern}")
    return found


def _in_python(pattern: str) -> str:
    for java, python in CLASSES.items():
        pattern = pattern.replace(java, python)
    return pattern
