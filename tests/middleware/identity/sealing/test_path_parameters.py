"""Path parameters of declared names are removed however they are spelt, and all else stays byte for byte."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsgi_mfa.identity.sealing.path_parameters import PathParameters

pytestmark = pytest.mark.requirement("D39")
PARAMETERS = PathParameters(("JSESSIONID", "sid"))


@pytest.mark.parametrize(
    ("path", "left"),
    [
        ("/a;jsessionid=1", "/a"),
        ("/a;JSESSIONID=1/b;sid=2;x=3", "/a/b;x=3"),
        ("/a;jsessionid", "/a"),
        ("/a%3Bjsessionid=1%2Fb", "/a%2Fb"),
        ("/a;%6Asessionid=1", "/a"),
        ("/a;%256Asessionid=1", "/a"),
        ("/a; sid =1", "/a"),
        ("/a;jsessionid2=1", "/a;jsessionid2=1"),
        ("/a;x=sid=1", "/a;x=sid=1"),
        ("/;sid=1/", "//"),
        ("", ""),
    ],
)
def test_they_are_removed_in_any_spelling(path, left):
    assert PARAMETERS.removed(path) == left


@pytest.mark.parametrize(
    ("uri", "left"),
    [
        ("/a;sid=1?b=;sid=2#;sid=3", "/a?b=;sid=2#;sid=3"),
        ("https://portal.example/a;sid=1", "https://portal.example/a"),
        ("/a#;sid=3", "/a#;sid=3"),
    ],
)
def test_of_a_uri_the_path_alone_is_changed(uri, left):
    assert PARAMETERS.removed_from_uri(uri) == left


@given(st.text(alphabet="/;=%3BbsidxSID ", max_size=40))
def test_nothing_of_these_names_is_left_and_a_second_look_changes_nothing(path):
    left = PARAMETERS.removed(path)
    assert PARAMETERS.removed(left) == left


@given(st.text(alphabet="/;=abc123", max_size=40))
def test_what_has_other_names_stays(path):
    assert PARAMETERS.removed(path) == path
