"""Instants in a text."""

from __future__ import annotations

import base64
from datetime import datetime, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mfa_simulator.real_clocks.instants import DAY, instants_in

pytestmark = pytest.mark.any_python

AT = datetime(2026, 11, 24, 10, 13, 5, tzinfo=timezone.utc).timestamp()
MIDNIGHT = datetime(2026, 11, 24, tzinfo=timezone.utc).timestamp()
SIGNED = base64.urlsafe_b64encode(int(AT).to_bytes(4, "big")).decode().rstrip("=")


@pytest.mark.parametrize(
    "text",
    [
        "Tue, 24 Nov 2026 10:13:05 GMT",
        "Tue, 24-Nov-2026 10:13:05 GMT",
        "Tuesday, 24-Nov-26 10:13:05 GMT",
        "Tue Nov 24 10:13:05 2026",
        "2026-11-24T10:13:05Z",
        "2026-11-24T11:13:05.25+01:00",
        "2026-11-24 10:13:05",
        "20261124T101305Z",
        "20261124101305",
        "24 November 2026, 10:13:05",
        "November 24, 2026 at 10:13:05",
        f"{AT:.0f}",
        f"{AT:.3f}",
        f"{AT * 1000:.0f}",
        f"{AT * 1e6:.0f}",
        f"{AT * 1e9:.0f}",
        f"{AT / DAY + 2_440_587.5:.6f}",
        f"eyJfdXNlcl9pZCI6IjEifQ.{SIGNED}.{'x' * 27}",
        "0193" + "5db5-7a68-7b23-8c11-0123456789ab",
    ],
)
def test_an_instant_is_found_in_every_usual_spelling(text):
    found = list(instants_in(f"at {text} or so"))
    assert [shown.grain for shown in found if shown.grain < DAY]
    if "7b23" not in text:
        assert any(abs(shown.at - AT) < 1 for shown in found)


@pytest.mark.parametrize(
    "text", ["2026-11-24", "24.11.2026", "11/24/2026", "Nov 24, 2026", "24 Nov 2026", "20261124"]
)
def test_a_day_is_known_to_the_day(text):
    found = [shown for shown in instants_in(f"since {text}:") if shown.at == MIDNIGHT]
    assert [shown.grain for shown in found] == [DAY]


@pytest.mark.parametrize(
    "text",
    ["", "2026-13-45", "31 Feb 2026", "99/99/2026", "4711", "12345678901", "v1.2.3", "GB29 1234", "#20aaff"],
)
def test_what_is_no_date_is_passed_over(text):
    assert list(instants_in(text)) == []


@given(st.text(max_size=200))
def test_no_text_is_too_strange(text):
    for shown in instants_in(text):
        assert shown.grain > 0


@given(st.integers(0, 4_000_000_000))
def test_what_http_writes_is_read_as_it_was_meant(at):
    text = datetime.fromtimestamp(at, timezone.utc).strftime("%a, %d %b %Y %H:%M:%S GMT")
    assert [shown.at for shown in instants_in(text)] == [at]
