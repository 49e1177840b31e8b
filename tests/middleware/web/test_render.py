"""Templates are filled completely and safely, and times are said in words."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import TemplateNotFound, UndefinedError

from wsgi_mfa.web.render import in_words, render_page

CONTEXT = {
    "page": "not_found",
    "outcome": "not_found",
    "hint": None,
    "reason": None,
    "retry_after_seconds": None,
    "issuer": "Client Portal",
    "user": None,
    "mount": "/mfa",
    "root": "/",
    "csrf": None,
    "next": "",
    "support_contact": None,
    "digits": 6,
    "period_seconds": 30,
    "clock_in_question": False,
    "doubled": (),
    "unsent": False,
    "is_remembered": False,
    "is_known": False,
    "is_verified": False,
}
SIZES = {"second": 1, "minute": 60, "hour": 3_600, "day": 86_400}


def test_values_are_escaped_wherever_they_stand():
    hostile = "\"'><script>alert(1)</script>&{{ 7 * 7 }}"
    html = render_page(
        "not_found",
        CONTEXT
        | {"issuer": hostile, "user": hostile, "csrf": hostile, "next": hostile, "support_contact": hostile},
        nonce="n",
    )
    assert "<script>" not in html
    assert "{{ 7 * 7 }}" in html
    assert html.count("&lt;script&gt;") >= 4


def test_a_value_that_is_missing_is_an_error_and_not_a_hole():
    incomplete = {name: value for name, value in CONTEXT.items() if name != "issuer"}
    with pytest.raises(UndefinedError, match="issuer"):
        render_page("not_found", incomplete, nonce="n")


def test_a_page_that_does_not_exist_is_an_error():
    with pytest.raises(TemplateNotFound):
        render_page("nowhere", CONTEXT, nonce="n")


def test_the_nonce_stands_at_the_one_style_and_the_one_script():
    html = render_page("not_found", CONTEXT, nonce="abc+/=")
    assert re.findall(r"<(style|script)([^>]*)>", html) == [
        ("style", ' nonce="abc+/="'),
        ("script", ' nonce="abc+/="'),
    ]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "1 second"),
        (1, "1 second"),
        (30, "30 seconds"),
        (60, "1 minute"),
        (61, "1 minute and 1 second"),
        (120, "2 minutes"),
        (3_600, "1 hour"),
        (3_601, "1 hour and 1 minute"),
        (86_399, "1 day"),
        (90_061, "1 day and 2 hours"),
        (30 * 86_400, "30 days"),
    ],
)
def test_times_are_said_as_people_say_them(seconds, words):
    assert in_words(seconds) == words


@given(st.integers(min_value=1, max_value=60 * 86_400))
def test_nobody_is_told_to_come_back_too_early_or_much_too_late(seconds):
    parts = [part.split() for part in in_words(seconds).split(" and ")]
    told = sum(int(count) * SIZES[unit.rstrip("s")] for count, unit in parts)
    assert len(parts) <= 2
    assert seconds <= told <= seconds * 1.05 + 1


def test_a_request_that_passes_through_loads_neither_templates_nor_qr_codes():
    program = (
        "import sys, wsgi_mfa.web.qr, wsgi_mfa.web.render; print({'jinja2', 'qrcode'} & set(sys.modules))"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout == "set()\n"
