from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from wsgi_mfa.identity.request.wsgi_text import decoded


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_name_in_utf_8_is_read_as_it_was_written(name: str) -> None:
    assert decoded(name.encode().decode("latin-1")) == name


def test_a_name_of_an_older_server_is_taken_as_it_stands() -> None:
    assert decoded("Ren\xe9") == "Ren\xe9"
