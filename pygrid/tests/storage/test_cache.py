"""The cache stays within its limit and loads each value once."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from artificien_pygrid.storage.cache import Cache

pytestmark = pytest.mark.anyio


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 12)), max_size=50))
def test_weight_never_exceeds_the_limit(puts: list[tuple[int, int]]) -> None:
    cache: Cache[int, bytes] = Cache(20, len)
    for key, size in puts:
        cache.put(key, bytes(size))
        assert cache.find(key) == bytes(size)
        kept = [value for number in range(6) if (value := cache.find(number)) is not None]
        assert sum(map(len, kept)) <= 20


def test_least_recently_used_goes_first() -> None:
    cache: Cache[str, bytes] = Cache(2, len)
    cache.put("a", b"1")
    cache.put("b", b"2")
    cache.find("a")
    cache.put("c", b"3")
    assert (cache.find("a"), cache.find("b"), cache.find("c")) == (b"1", None, b"3")
    cache.put("d", b"too long")
    assert (cache.find("c"), cache.find("d")) == (b"3", None)
    cache.drop("c")
    assert cache.find("c") is None


async def test_value_is_loaded_once_for_all_who_ask() -> None:
    cache: Cache[str, bytes] = Cache(10, len)
    loads = 0
    go = asyncio.Event()

    async def load() -> bytes:
        nonlocal loads
        loads += 1
        await go.wait()
        return b"value"

    askers = [asyncio.create_task(cache.get("key", load)) for _ in range(5)]
    await asyncio.sleep(0)
    askers[0].cancel()
    go.set()
    results = await asyncio.gather(*askers, return_exceptions=True)
    assert isinstance(results[0], asyncio.CancelledError)
    assert results[1:] == [b"value"] * 4
    assert loads == 1


async def test_failed_load_is_tried_again() -> None:
    cache: Cache[str, bytes] = Cache(10, len)
    failing = True

    async def load() -> bytes:
        nonlocal failing
        if failing:
            failing = False
            raise LookupError
        return b"value"

    with pytest.raises(LookupError):
        await cache.get("key", load)
    assert await cache.get("key", load) == b"value"
