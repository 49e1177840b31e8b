"""Joiners in names: legal where the script needs them (RFC 5892 appendix A.1 and A.2)."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsgi_mfa.core.errors import InvalidUserError
from wsgi_mfa.core.joiners import misplaced_joiner
from wsgi_mfa.core.usernames import canonical

NON_JOINER, JOINER = "\u200c", "\u200d"
ALIREZA = f"\u0639\u0644\u06cc{NON_JOINER}\u0631\u0636\u0627"
LEGAL = [
    ALIREZA,
    f"\u0639\u0644\u06cc\u0651{NON_JOINER}\u064e\u0631",  # marks between the letters are passed over
    f"\u0915\u094d{NON_JOINER}\u0937",  # Devanagari, behind a virama
    f"\u0915\u094d{JOINER}\u0937",
    f"\u0dc1\u0dca{JOINER}\u0dbb\u0dd3",  # Sri, in Sinhala
    f"\u1820{NON_JOINER}\u1820",  # Mongolian, which has no presentation forms
]
MISPLACED = [
    f"al{NON_JOINER}ice",
    f"al{JOINER}ice",
    f"{NON_JOINER}\u0639\u0644\u06cc",
    f"\u0639\u0644\u06cc{NON_JOINER}",
    f"\u0639\u0644\u06cc{JOINER}\u0631",  # a joiner needs a virama
    f"\u0631{NON_JOINER}\u0639",  # REH joins to no letter after it
    f"\u0639{NON_JOINER}{NON_JOINER}\u0631",
    f"\u0639{NON_JOINER}a",
    f"{NON_JOINER}",
]


@pytest.mark.requirement("D44")
@pytest.mark.parametrize("name", LEGAL)
def test_a_joiner_is_legal_where_its_script_needs_it(name: str) -> None:
    assert misplaced_joiner(name) is None
    assert canonical(name) == name
    assert canonical(name, exact=True) == name


@pytest.mark.requirement("D44", "D1")
@pytest.mark.parametrize("name", MISPLACED)
@pytest.mark.parametrize("exact", [False, True])
def test_a_joiner_anywhere_else_is_refused(name: str, exact: bool) -> None:
    with pytest.raises(InvalidUserError, match=r"U\+200[CD]"):
        canonical(name, exact=exact)


@pytest.mark.requirement("D44")
def test_a_name_with_a_joiner_and_the_one_without_it_are_two() -> None:
    assert canonical(ALIREZA) != canonical(ALIREZA.replace(NON_JOINER, ""))


@pytest.mark.requirement("D44")
@given(
    st.text(alphabet=st.sampled_from("\u0639\u0631\u064e\u0915\u094d\u1820aB \u200c\u200d\ufe8d"), max_size=8)
)
def test_what_is_accepted_once_is_accepted_again(user: str) -> None:
    try:
        name = canonical(user)
    except InvalidUserError:
        return
    assert canonical(name) == name


@pytest.mark.requirement("D44")
@given(st.text(alphabet=st.characters(max_codepoint=0x1FFFF), min_size=1, max_size=3))
def test_between_letters_that_do_not_join_no_joiner_is_legal(text: str) -> None:
    if any(unicodedata.bidirectional(each) in ("R", "AL") for each in text):
        return  # Arabic, Syriac and their like
    if any("A840" <= f"{ord(each):04X}" <= "A872" or 0x1800 <= ord(each) <= 0x18AF for each in text):
        return  # Phags-pa and Mongolian, which are written from left to right
    if unicodedata.combining(text[-1]) == 9:
        return
    assert misplaced_joiner(f"{text}{NON_JOINER}{text}") == NON_JOINER
