from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsgi_mfa.identity.request.name_patterns import NamePatterns
from wsgi_mfa.identity.request.undeclared import UndeclaredTable, Where

pytestmark = pytest.mark.requirement("D43a")


@given(st.lists(st.text("AB*", min_size=1, max_size=6), max_size=4), st.text("AB", max_size=10))
def test_a_star_stands_for_any_text(patterns: list[str], name: str) -> None:
    expected = any(re.fullmatch(re.escape(each).replace(r"\*", ".*"), name) for each in patterns)
    assert NamePatterns(patterns).match(name) is expected


@pytest.mark.parametrize("word", ["GUEST", "GUESTTOKEN", "AUTHENTICATION", "SSL_CLIENT_"])
def test_a_long_header_name_is_judged_in_time_linear_in_it(word: str) -> None:
    name = "HTTP_" + word * (250_000 // len(word)) + "X"
    start = time.process_time()
    UndeclaredTable().is_credential(Where.ENVIRON, name)
    assert time.process_time() - start < 0.05
