"""Tests for legacy_portals.client_portal.pages."""

from __future__ import annotations

from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from legacy_portals.client_portal.pages import Html, fill, table

pytestmark = pytest.mark.any_python


@given(st.text())
def test_text_stays_text_in_a_page(text: str) -> None:
    filled = fill("<p title='{text}'>", text=text).removeprefix("<p title='").removesuffix("'>")
    assert not set(filled) & set("<>'\"")
    assert unescape(filled) == unescape(text.replace("&", "&amp;"))


def test_markup_goes_in_as_it_is() -> None:
    assert fill("{first}{second}", first=Html("<b>"), second="<b>") == "<b>&lt;b&gt;"


def test_braces_in_a_value_are_not_filled_again() -> None:
    assert fill("{text}", text="{other}") == "{other}"


def test_cells_of_a_table_are_escaped() -> None:
    drawn = table(headings=("A & B",), rows=[("<script>",), (7,)])
    assert '<th scope="col">A &amp; B</th>' in drawn
    assert "<td>&lt;script&gt;</td>" in drawn
    assert "<td>7</td>" in drawn
