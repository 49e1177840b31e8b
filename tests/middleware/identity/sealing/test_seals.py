"""Seals open for their own cookie, place and keys, and for nothing else."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsgi_mfa.identity.sealing.chunks import (
    COOKIE_CHARACTERS_MAX,
    ChunkCollector,
    Seal,
    SealTooLargeError,
    to_chunks,
)
from wsgi_mfa.identity.sealing.contents import SealedCookie
from wsgi_mfa.identity.sealing.seals import TRIED_MAX, CookieSeals
from wsgi_mfa.keys.ring import KeyRing

pytestmark = pytest.mark.requirement("D39")

NOW = 1_700_000_000
RING = KeyRing([("k1", bytes(range(32)))])
ROTATED = KeyRing([("k1", bytes(range(32))), ("k2", bytes(range(1, 33)))])
PLACE = ("portal", "0f" * 16, "label")


class Counting:
    """Entropy that never gives the same bytes twice."""

    def __init__(self) -> None:
        self._numbers = itertools.count()

    def token_bytes(self, count: int) -> bytes:
        return next(self._numbers).to_bytes(count, "big")


def seals_of(ring: KeyRing = RING, place: tuple[str, ...] = PLACE) -> CookieSeals:
    return CookieSeals(keys=ring, entropy=Counting(), place=place)


def cookie_of(value: str = "value", **fields) -> SealedCookie:
    made = SealedCookie(value=value, attributes=("Path=/; HttpOnly",), issued_at=NOW)
    return made._replace(**fields)


def opened(seals: CookieSeals, *pairs: tuple[str, str], now: int = NOW) -> list[SealedCookie]:
    collector = ChunkCollector()
    for name, value in pairs:
        collector.add(name, value)
    return [each.cookie for each in seals.open(collector.seals(), ring=seals.ring, now=now * 1_000_000)]


def named(name: str, chunks: tuple[str, ...]) -> list[tuple[str, str]]:
    return list(zip((name, f"{name}.1"), chunks, strict=False))


def lines(size: int):
    return st.text(st.characters(exclude_characters="\n"), max_size=size)


cookies = st.builds(
    SealedCookie,
    value=lines(4000),
    attributes=st.lists(lines(60), max_size=3).map(tuple),
    issued_at=st.integers(0, NOW),
    expires_at=st.none() | st.integers(NOW + 1, 2 * NOW),
    user=st.none() | lines(100),
    is_readable=st.booleans(),
)
names = st.from_regex(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,40}", fullmatch=True)


@given(name=names, cookie=cookies)
def test_what_was_sealed_comes_back_whole_in_cookies_that_browsers_keep(name, cookie):
    seals = seals_of()
    length = max((len(each) for each in cookie.attributes), default=0)
    try:
        chunks = seals.seal(name, cookie, attributes_length=length)
    except SealTooLargeError:
        assert len(cookie.to_bytes()) > 5000
        return
    pairs = named(name, chunks)
    for each, value in pairs:
        assert len(each) + len(value) + length + 4 < COOKIE_CHARACTERS_MAX
        assert value.isascii()
        assert not set(value) & set('"\\;, =')
    assert opened(seals, *pairs) == [cookie]
    assert opened(seals, *reversed(pairs)) == [cookie]


@given(cookie=cookies, place=st.integers(0, 10_000), to=st.characters(min_codepoint=33, max_codepoint=126))
def test_a_changed_character_opens_nothing(cookie, place, to):
    seals = seals_of()
    try:
        chunks = list(seals.seal("sid", cookie))
    except SealTooLargeError:
        return
    number, place = place % len(chunks), place % len(chunks[place % len(chunks)])
    if chunks[number][place] == to:
        return
    chunks[number] = chunks[number][:place] + to + chunks[number][place + 1 :]
    assert opened(seals, *named("sid", tuple(chunks))) == []


@pytest.mark.parametrize(
    ("seals", "name"),
    [
        (seals_of(), "other"),
        (seals_of(), "sid.1"),
        (seals_of(place=("portal", "0e" * 16, "label")), "sid"),
        (seals_of(place=("portal", "0f" * 16, "label2")), "sid"),
        (seals_of(place=("group", "0f" * 16, "label")), "sid"),
        (seals_of(place=("portal", "0f" * 16 + "label", "")), "sid"),
        (seals_of(KeyRing([("k1", bytes(32))])), "sid"),
        (seals_of(KeyRing([("k2", bytes(range(32)))])), "sid"),
    ],
)
def test_a_seal_opens_for_its_name_place_and_key_alone(seals, name):
    [chunk] = seals_of().seal("sid", cookie_of())
    assert opened(seals_of(), ("sid", chunk)) == [cookie_of()]
    assert opened(seals, (name, chunk)) == []


def test_the_sub_key_is_one_of_its_own():
    key_id, sealed = RING.seal_bytes("portal cookie", b"x", nonce=bytes(12), place=b"a")
    assert key_id == "k1"
    assert RING.open_bytes("portal cookie", key_id, sealed, place=b"a") == b"x"
    assert RING.open_bytes("another purpose", key_id, sealed, place=b"a") is None
    assert RING.open_bytes("portal cookie", key_id, sealed, place=b"b") is None
    assert RING.open_bytes("portal cookie", key_id, b"short", place=b"a") is None
    renamed = KeyRing([("k2", bytes(range(32)))])
    assert renamed.open_bytes("portal cookie", "k2", sealed, place=b"a") is None
    with pytest.raises(ValueError, match="a nonce has 12 bytes"):
        RING.seal_bytes("portal cookie", b"x", nonce=b"", place=b"")


def test_a_seal_under_an_earlier_key_opens_as_long_as_the_ring_has_it():
    [chunk] = seals_of().seal("sid", cookie_of())
    assert opened(seals_of(ROTATED), ("sid", chunk)) == [cookie_of()]
    [chunk] = seals_of(ROTATED).seal("sid", cookie_of())
    assert chunk.startswith("mfas1.k2.")
    assert opened(seals_of(), ("sid", chunk)) == []


def test_a_seal_ends_with_its_cookie():
    [chunk] = seals_of().seal("sid", cookie_of(expires_at=NOW + 10))
    assert len(opened(seals_of(), ("sid", chunk), now=NOW + 9)) == 1
    assert opened(seals_of(), ("sid", chunk), now=NOW + 10) == []


def test_pieces_count_only_together_and_in_their_places():
    seals = seals_of()
    one, two = (seals.seal("sid", cookie_of(letter * 4000)) for letter in "ab")
    assert len(one) == len(two) == 2
    assert [each.value[0] for each in opened(seals, *named("sid", one), *named("sid", two))] == ["a", "b"]
    assert opened(seals, ("sid", one[0])) == []
    assert opened(seals, ("sid.1", one[1])) == []
    assert opened(seals, ("sid", one[1]), ("sid.1", one[0])) == []
    assert opened(seals, ("sid", one[0]), ("sid.1", two[1])) == []
    assert opened(seals, ("sid", one[0]), ("sid", one[1])) == []


def test_no_more_seals_are_tried_than_browsers_hold():
    seal = Seal("sid", "k1", bytes(60), ("x",))
    tried = itertools.repeat(seal, 10 * TRIED_MAX)
    assert seals_of().open(tried, ring=RING, now=0) == []
    assert len(list(tried)) >= 9 * TRIED_MAX - 1


@pytest.mark.parametrize("changes", [{"value": "a\nb"}, {"attributes": ("Path=/\n",)}, {"user": "\n"}])
def test_a_line_break_is_never_sealed(changes):
    with pytest.raises(ValueError, match="line break"):
        cookie_of(**changes).to_bytes()


def test_what_no_browser_would_keep_is_refused():
    with pytest.raises(SealTooLargeError, match="'sid'"):
        to_chunks("sid", "k1", bytes(7000))


@pytest.mark.parametrize(
    ("after", "life", "again"),
    [(0, None, True), (10_000_000, None, True), (0, 1000, True), (99, 1000, True), (101, 1000, False)],
)
def test_a_seal_stays_while_it_is_young(after, life, again):
    old = cookie_of(expires_at=None if life is None else NOW + life)
    new = cookie_of(issued_at=NOW + after, expires_at=None if life is None else NOW + after + life)
    assert old.serves_for(new) is again


@pytest.mark.parametrize(
    "changes",
    [
        {"value": "another"},
        {"attributes": ("Path=/a",)},
        {"user": "alice"},
        {"is_readable": True},
        {"expires_at": NOW + 1000},
    ],
)
def test_another_cookie_gets_another_seal(changes):
    assert not cookie_of().serves_for(cookie_of(**changes))
    assert not cookie_of(**changes).serves_for(cookie_of())
