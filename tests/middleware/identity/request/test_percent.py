"""Percent-decoding of text that clients choose."""

from __future__ import annotations

import re
from urllib.parse import unquote, unquote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsgi_mfa.identity.request.percent import decoded_argument, decoded_as_latin_1

pytestmark = pytest.mark.requirement("D43a")

texts = st.text(st.sampled_from("%%%+uU0013aAfFgé "), max_size=40) | st.text(max_size=20)


@given(texts)
def test_an_argument_is_decoded_as_the_standard_library_decodes_it(text: str) -> None:
    assert decoded_argument(text) == unquote_plus(text)


@given(texts)
def test_a_byte_is_one_character_of_latin_1(text: str) -> None:
    shorter = re.sub("%[uU]00([0-9A-Fa-f]{2})", r"%\1", text)
    assert decoded_as_latin_1(text) == unquote(shorter, encoding="latin-1")
