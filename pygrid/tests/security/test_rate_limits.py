"""Limits per client: exact, and in constant memory."""

import pytest

from artificien_pygrid.errors import TooManyRequests
from artificien_pygrid.security.limits import ConcurrencyLimiter, RateLimiter


class Clock:
    """A clock that a test sets."""

    now = 1000.0

    def __call__(self) -> float:
        """The time, in seconds."""
        return self.now


def allowed(limiter: RateLimiter, key: str, tries: int) -> int:
    return sum(limiter.allow(key) for _ in range(tries))


def test_burst_then_rate() -> None:
    clock = Clock()
    limiter = RateLimiter(2, 5, clock=clock)
    assert allowed(limiter, "a", 9) == 5
    clock.now += 0.4
    assert allowed(limiter, "a", 9) == 0
    clock.now += 0.1
    assert allowed(limiter, "a", 9) == 1
    clock.now += 3600
    assert allowed(limiter, "a", 9) == 5


def test_keys_do_not_share() -> None:
    limiter = RateLimiter(1, 2, clock=Clock())
    assert allowed(limiter, "a", 3) == 2
    assert allowed(limiter, "b", 3) == 2


def test_refused_requests_do_not_postpone_the_next() -> None:
    clock = Clock()
    limiter = RateLimiter(1, 1, clock=clock)
    assert limiter.allow("a")
    for _ in range(10):
        clock.now += 0.125
        last = limiter.allow("a")
        if last:
            break
    assert last
    assert clock.now == 1001.0


def test_memory_is_bounded_and_the_busy_stay() -> None:
    limiter = RateLimiter(1, 3, max_keys=10, clock=Clock())
    assert allowed(limiter, "busy", 4) == 3
    for number in range(1000):
        limiter.allow(f"key {number}")
        assert not limiter.allow("busy")
    assert len(limiter) == 10


def test_places_per_key_and_in_all() -> None:
    limiter = ConcurrencyLimiter(2, total=3)
    with limiter.slot("a"), limiter.slot("a"):
        with pytest.raises(TooManyRequests), limiter.slot("a"):
            pytest.fail("a third place for a")
        with limiter.slot("b"), pytest.raises(TooManyRequests), limiter.slot("c"):
            pytest.fail("a fourth place in all")
        with limiter.slot("c"):
            pass
    assert len(limiter) == 0


def test_a_place_is_given_back_on_errors() -> None:
    limiter = ConcurrencyLimiter(1)
    with pytest.raises(KeyError), limiter.slot("a"):
        raise KeyError
    with limiter.slot("a"):
        assert len(limiter) == 1
