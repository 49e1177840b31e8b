from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsgi_mfa.core.errors import InvalidUserError
from wsgi_mfa.core.usernames import USER_CHARACTERS_MAX, canonical


@pytest.mark.requirement("R23", "D1")
@pytest.mark.parametrize(
    "spelling",
    [
        "alice",
        "Alice",
        "ALICE ",
        "  alice",
        "\N{FULLWIDTH LATIN SMALL LETTER A}lice",
        "\N{NO-BREAK SPACE}alice\N{IDEOGRAPHIC SPACE}",
        "al\N{SUPERSCRIPT LATIN SMALL LETTER I}ce",
    ],
)
def test_every_spelling_of_one_user_names_one_account(spelling: str) -> None:
    assert canonical(spelling) == "alice"


def test_repeated_white_space_inside_is_one_space() -> None:
    assert canonical("Alice   van  Dam") == canonical("alice van\N{EM SPACE}dam") == "alice van dam"


def test_case_is_folded_and_not_only_lowered() -> None:
    assert canonical("Straße") == canonical("STRASSE") == "strasse"


def test_a_composed_and_a_decomposed_letter_are_one() -> None:
    assert canonical("jos\N{LATIN SMALL LETTER E WITH ACUTE}") == canonical("jose\N{COMBINING ACUTE ACCENT}")


def test_letters_of_different_scripts_stay_apart() -> None:
    assert canonical("alice") != canonical("\N{CYRILLIC SMALL LETTER A}lice")


@pytest.mark.requirement("D1")
@pytest.mark.parametrize(
    "character", ["\0", "\n", "\r", "\t", "\x7f", "\x85", "\u200b", "\u202e", "\u2028", "\ud800"]
)
@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("place", ["{}alice", "al{}ice", "alice{}"])
def test_a_hidden_character_is_refused_wherever_it_stands(place: str, character: str, exact: bool) -> None:
    with pytest.raises(InvalidUserError, match=f"U\\+{ord(character):04X}"):
        canonical(place.format(character), exact=exact)


@pytest.mark.parametrize("user", ["", " ", "   ", "\N{NO-BREAK SPACE}"])
@pytest.mark.parametrize("exact", [False, True])
def test_an_empty_user_is_refused(user: str, exact: bool) -> None:
    with pytest.raises(InvalidUserError, match="empty"):
        canonical(user, exact=exact)


def test_the_longest_user_is_one_that_mail_could_carry() -> None:
    assert canonical("a" * USER_CHARACTERS_MAX) == "a" * 254
    with pytest.raises(InvalidUserError, match="255 characters, at most 254"):
        canonical("a" * 255)


def test_a_user_that_grows_too_long_by_normalizing_is_refused() -> None:
    ligature = "\N{ARABIC LIGATURE SALLALLAHOU ALAYHE WASALLAM}"  # one character, eighteen after NFKC
    with pytest.raises(InvalidUserError, match="at most 254"):
        canonical(ligature * 100)


def test_exact_keeps_case_and_white_space() -> None:
    assert canonical("  Alice  van Dam", exact=True) == "  Alice  van Dam"


@pytest.mark.requirement("D1")
@given(st.text())
def test_canonical_is_idempotent_and_never_too_long(user: str) -> None:
    try:
        name = canonical(user)
    except InvalidUserError:
        return
    assert canonical(name) == name
    assert 1 <= len(name) <= USER_CHARACTERS_MAX
    assert name.encode()


@given(st.text(alphabet=st.characters(max_codepoint=0x7F), min_size=1, max_size=20))
def test_the_short_way_for_ascii_gives_what_the_long_way_gives(user: str) -> None:
    try:
        name = canonical(user)
    except InvalidUserError:
        return
    marked = canonical(user + "\N{LATIN SMALL LETTER E WITH ACUTE}")
    assert marked.removesuffix("\N{LATIN SMALL LETTER E WITH ACUTE}").rstrip() == name
