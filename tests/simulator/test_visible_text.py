"""Text from elsewhere does nothing to a terminal or to a build log."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mfa_simulator.visible_text import visible, visible_lines, visible_source


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain words, mit Umlaut ü", "plain words, mit Umlaut ü"),
        ("two\nlines", "two\\nlines"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("abc\u202etxt", "abc\\u202etxt"),
        ("  ::error file=x::y", "  _:error file=x::y"),
        ("a ##[error] b", "a #_[error] b"),
    ],
)
def test_what_acts_on_a_terminal_or_a_log_is_shown(text, shown):
    assert visible(text) == shown


@given(st.text())
def test_nothing_that_is_shown_acts(text):
    shown = visible(text)
    assert "\n" not in shown
    assert not shown.lstrip().startswith("::")
    assert "\x1b" not in shown
    assert visible(shown) == shown


@given(st.text())
def test_lines_stay_lines_and_columns_stay_columns(text):
    assert visible_lines(text).count("\n") == text.count("\n")
    assert len(visible_source(text)) == len(text)
