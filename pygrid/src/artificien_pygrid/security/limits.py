"""Limits per client, in constant memory. For use in one event loop, not across threads."""

import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from ..errors import TooManyRequests


class RateLimiter:
    """A token bucket per key.

    Args:
        rate_per_second: How fast a bucket refills.
        burst: How much a bucket holds; it is full at first.
        max_keys: How many buckets are kept; the one unused for longest goes first, and its key
            then starts with a full one.
        clock: Seconds that only grow.
    """

    def __init__(
        self,
        rate_per_second: float,
        burst: float,
        max_keys: int = 10_000,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rate = rate_per_second
        self._burst = burst
        self._max_keys = max_keys
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def __len__(self) -> int:
        """The number of buckets kept."""
        return len(self._buckets)

    def allow(self, key: str) -> bool:
        """Take one from the key's bucket; ``False`` if it is empty."""
        now = self._clock()
        level, filled_at = self._buckets.get(key, (self._burst, now))
        level = min(self._burst, level + (now - filled_at) * self._rate)
        allowed = level >= 1
        self._buckets[key] = (level - 1 if allowed else level, now)
        self._buckets.move_to_end(key)
        if len(self._buckets) > self._max_keys:
            self._buckets.popitem(last=False)
        return allowed


class ConcurrencyLimiter:
    """How many things a key, and all keys together, may do (or keep) at a time.

    Args:
        per_key: At a time for one key.
        total: At a time for all keys; ``None`` for no such limit.
    """

    def __init__(self, per_key: int, total: int | None = None) -> None:
        self._per_key = per_key
        self._total = total
        self._held: dict[str, int] = {}
        self._all = 0

    def __len__(self) -> int:
        """The number of keys that do something at the moment."""
        return len(self._held)

    @contextmanager
    def slot(self, key: str) -> Iterator[None]:
        """Hold a place while the block runs.

        Raises:
            TooManyRequests: None is free.
        """
        with Holding(self, key) as place:
            place.resize(1)
            yield

    def change(self, key: str, by: int) -> None:
        """Take so many for a key, or give them back where ``by`` is negative.

        Raises:
            TooManyRequests: So many are not free; nothing changed.
        """
        held, all_held = self._held.get(key, 0) + by, self._all + by
        over = held > self._per_key or (self._total is not None and all_held > self._total)
        if by > 0 and over:
            raise TooManyRequests
        self._all = all_held
        self._held[key] = held
        if not held:
            del self._held[key]


class Holding:
    """What one request or connection holds of a limiter; it gives all back in the end."""

    def __init__(self, limiter: ConcurrencyLimiter, key: str) -> None:
        self._limiter = limiter
        self._key = key
        self._amount = 0

    def resize(self, amount: int) -> None:
        """Hold so much from now on.

        Raises:
            TooManyRequests: So much is not free; it holds what it did.
        """
        if amount != self._amount:
            self._limiter.change(self._key, amount - self._amount)
            self._amount = amount

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.resize(0)
