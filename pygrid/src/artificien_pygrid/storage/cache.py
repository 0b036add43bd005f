"""A bounded cache of immutable values, each loaded once however many ask at the same time."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Cache(Generic[Key, Value]):
    """Keeps the most recently used values.

    Args:
        limit: The total weight to keep; a heavier value is passed through.
        weigh: The weight of a value.
    """

    def __init__(self, limit: int, weigh: Callable[[Value], int]) -> None:
        self._limit = limit
        self._weigh = weigh
        self._weight = 0
        self._values: OrderedDict[Key, Value] = OrderedDict()
        self._loading: dict[Key, asyncio.Task[Value]] = {}

    def find(self, key: Key) -> Value | None:
        """The value if it is there."""
        value = self._values.get(key)
        if value is not None:
            self._values.move_to_end(key)
        return value

    async def get(self, key: Key, load: Callable[[], Awaitable[Value]]) -> Value:
        """The value, loaded if it is not there. Errors of ``load`` are not kept."""
        value = self.find(key)
        if value is not None:
            return value
        task = self._loading.get(key)
        if task is None:
            task = asyncio.ensure_future(self._load(key, load))
            self._loading[key] = task
            task.add_done_callback(lambda _: self._loading.pop(key))
        # One asker that goes away must not take the value from the others.
        return await asyncio.shield(task)

    def put(self, key: Key, value: Value) -> None:
        """Add a value, and drop the least recently used ones if need be."""
        self.drop(key)
        weight = self._weigh(value)
        if weight > self._limit:
            return
        self._values[key] = value
        self._weight += weight
        while self._weight > self._limit:
            _, dropped = self._values.popitem(last=False)
            self._weight -= self._weigh(dropped)

    def drop(self, key: Key) -> None:
        """Forget a value."""
        if key in self._values:
            self._weight -= self._weigh(self._values.pop(key))

    async def _load(self, key: Key, load: Callable[[], Awaitable[Value]]) -> Value:
        value = await load()
        self.put(key, value)
        return value
