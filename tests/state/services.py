"""Clients of services, whole lists page by page, and what is not there."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cloud import Cloud


@functools.cache
def service(cloud: Cloud, name: str) -> Any:
    """Return a client, the same every time: making one takes longer than asking it."""
    return cloud.client(name)


def pages(client: Any, operation: str, key: str, **arguments: Any) -> list[Any]:
    """Return the elements of an operation that answers in pages, or in one."""
    if not client.can_paginate(operation):
        return list(getattr(client, operation)(**arguments).get(key, []))
    answers = client.get_paginator(operation).paginate(**arguments)
    return [element for answer in answers for element in answer.get(key, [])]


def or_none(call: Callable[..., Any], *missing: str, **arguments: Any) -> Any:
    """Return the answer of a call without its metadata, None for one of the codes `missing`."""
    try:
        answer: dict[str, Any] = call(**arguments)
    except ClientError as error:
        if error.response["Error"]["Code"] in missing:
            return None
        raise
    return {key: value for key, value in answer.items() if key != "ResponseMetadata"}
