"""A cache that clients fill stays within its bytes, and keeps what is asked for again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsgi_mfa.identity.request.bounded_cache import BoundedCache

pytestmark = pytest.mark.requirement("D39")


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 60))))
def test_it_never_keeps_more_than_its_bytes(steps):
    cache: BoundedCache[int] = BoundedCache(bytes_max=100)
    for number, size in steps:
        found = cache.get(str(number))
        assert found in (None, number)
        cache.put(str(number), number, size=size)
        assert cache.bytes_kept <= 100


def test_what_is_asked_for_stays_while_others_come_and_go():
    cache: BoundedCache[str] = BoundedCache(bytes_max=100)
    cache.put("kept", "value", size=10)
    for number in range(50):
        cache.put(f"other {number}", "value", size=10)
        assert cache.get("kept") == "value"
    assert cache.get("other 1") is None


def test_what_is_too_large_is_not_kept():
    cache: BoundedCache[str] = BoundedCache(bytes_max=100)
    cache.put("large", "value", size=51)
    assert cache.get("large") is None
