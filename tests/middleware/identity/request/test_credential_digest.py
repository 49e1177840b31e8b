from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from wsgi_mfa.identity.request.credential_digest import digest_of

PARTS = st.tuples(st.text(max_size=4), st.text(max_size=4), st.text(max_size=4))


def test_nothing_has_no_digest() -> None:
    assert digest_of([]) is None


@given(st.sets(PARTS, min_size=1, max_size=4), st.sets(PARTS, min_size=1, max_size=4))
def test_two_sets_have_one_digest_only_if_they_are_equal(one: set[tuple], other: set[tuple]) -> None:
    assert (digest_of(one) == digest_of(other)) is (one == other)


def test_parts_do_not_run_into_each_other() -> None:
    assert digest_of([("cookie", "ab", "c")]) != digest_of([("cookie", "a", "bc")])


def test_the_order_does_not_matter() -> None:
    parts = [("cookie", "b", "1"), ("argument", "a", "2")]
    assert digest_of(parts) == digest_of(reversed(parts))


def test_a_lone_surrogate_does_not_raise() -> None:
    assert digest_of([("header", "HTTP_X_USER", "\ud800")]) != digest_of([("header", "HTTP_X_USER", "?")])
