"""JUnit XML, lines of JSON, and the page."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from urllib.parse import parse_qsl
from xml.etree import ElementTree as ET

import pytest

from mfa_simulator.errors import ScenarioFileError
from mfa_simulator.language.parser import parse
from mfa_simulator.report.annotations import as_annotations
from mfa_simulator.report.html_page import NOTES_MAX, as_page, drawing_of
from mfa_simulator.report.json_lines import as_lines
from mfa_simulator.report.junit import as_junit
from mfa_simulator.report.trace import trace_of

pytestmark = pytest.mark.any_python

STORY = """\
- enroll: {user: user1, browser: laptop, phone: pixel}
- sign_in: {user: user1, browser: tablet, phone: pixel}
  expect: {outcome: signed_in}
"""
GOOD = "- enroll: {user: user1, browser: laptop, phone: pixel}\n"


@pytest.fixture
def trace(played):
    """``trace(steps, top="")``: what reports tell of a story."""
    return lambda *story: trace_of(played(*story))


@pytest.fixture(scope="module")
def problems():
    """What is wrong with a bad file."""
    with pytest.raises(ScenarioFileError) as caught:
        parse("scenario: Bad\nsteps:\n  - visitt: {browser: <b>}\n", file="bad.mfa.yaml")
    return caught.value.problems


def test_a_trace_tells_where_it_failed_and_what_was_served(trace):
    told = trace(STORY)
    assert told.verdict == "failed"
    (failure,) = told.failures
    assert (failure.line, failure.message) == (9, "outcome: expected signed_in, got used_code")
    served = [note.text for note in told.steps[1].notes if note.worker == 1]
    assert served[-1] == "POST /mfa/verify 422 Unprocessable Content"
    assert next(note.text for note in told.steps[0].notes if note.user) == "enrollment.begun"


def test_junit_has_a_suite_for_each_file_and_names_the_line(trace, problems):
    root = ET.fromstring(as_junit([trace(STORY), trace(GOOD)], problems))  # noqa: S314  # our own
    assert {name: root.get(name) for name in ("tests", "failures", "errors")} == {
        "tests": "3",
        "failures": "1",
        "errors": "1",
    }
    failed = root.find(".//failure")
    assert failed.get("message") == "story.mfa.yaml:9: outcome: expected signed_in, got used_code"
    assert "POST /mfa/verify 422" in failed.text
    assert root.find(".//testcase[@line='2']").get("name") == "A story"
    assert 'no verb "visitt"' in root.find(".//error").get("message")


def test_junit_holds_no_character_that_xml_cannot(trace):
    told = replace(trace(GOOD), title="A bell \a rings")
    (case,) = ET.fromstring(as_junit([told], [])).iter("testcase")  # noqa: S314  # our own
    assert case.get("name") == "A bell  rings"


def test_annotations_stand_at_the_lines_of_failures_and_problems(trace, problems):
    told = replace(trace(STORY), file="a,b.mfa.yaml", title="100%: a story")
    first, second = as_annotations([told], problems).splitlines()
    assert first.startswith("::error file=bad.mfa.yaml,line=3,col=5,title=mfa-sim unknown-verb::no verb")
    assert second == (
        "::error file=a%2Cb.mfa.yaml,line=9,title=100%25%3A a story::outcome: expected signed_in, got used_code"
    )


def test_lines_of_json_tell_the_run_in_its_order(trace, problems):
    lines = [json.loads(line) for line in as_lines([trace(STORY)], problems).splitlines()]
    kinds = [line["type"] for line in lines]
    assert kinds == ["problem", "scenario", "step", "step", "verdict", "run"]
    step = lines[3]
    assert (step["at"], step["outcome"], step["hint"]) == (
        "2026-01-01T00:00:10.000Z",
        "used_code",
        "wait_for_next",
    )
    assert step["failures"][0]["line"] == 9
    assert lines[-1] == {"type": "run", "passed": 0, "failed": 1, "broken": 0, "error": 0, "bad_files": 1}


def test_the_page_needs_nothing_else_and_leads_from_a_failure_to_its_line(trace, problems):
    told = trace(STORY)
    source = "\n".join(f"line {number}" for number in range(1, 10))
    page = as_page([told], problems, {"story.mfa.yaml": source})
    assert '<a href="#f0-9">story.mfa.yaml:9</a>' in page
    assert '<li id="f0-9">line 9</li>' in page
    assert not re.search(r'(?:src|href)="(?!#)|url\(|@import', page)


def test_no_text_of_a_file_becomes_markup(trace, problems):
    told = trace('- visit: {browser: "</script><img src=x>"}\n  expect: {outcome: sign_in_required}\n')
    page = as_page([told], problems, {"story.mfa.yaml": "<script>alert(1)</script>"})
    assert "<img" not in page
    assert "<script>alert" not in page
    assert "&lt;b&gt;" in page


def test_a_drawing_has_a_lane_for_everybody(trace):
    steps = GOOD + "- support_reset: {user: user1, email: user1@example.com, reason: new phone}\n"
    drawing = drawing_of(trace(steps, "workers: 2\n"))
    assert drawing["lanes"] == [
        ["account", "user1"],
        ["browser", "laptop"],
        ["phone", "pixel"],
        ["worker", "1"],
        ["worker", "2"],
        ["desk", "support"],
    ]
    looks = {mark[2] for mark in drawing["marks"]}
    assert looks == {"good", "read", "request", "event"}
    assert {band[0] for band in drawing["bands"]} == {"code", "session"}


def test_of_a_step_with_very_many_requests_the_first_are_drawn(trace):
    guesses = NOTES_MAX + 30
    steps = GOOD + "- wait: 1m\n" + f"- guess: {{user: user1, browser: thief, times: {guesses}, every: 1s}}\n"
    drawing = drawing_of(trace(steps))
    assert len([mark for mark in drawing["marks"] if mark[3] == 2]) <= NOTES_MAX + 3
    assert any(text.startswith("and ") for text in drawing["texts"])


def test_what_happened_often_at_one_moment_is_drawn_once(trace):
    guess = "- wait: 1m\n- guess: {user: user1, browser: thief, times: 4}\n"
    assert "4 times POST /mfa/verify 422 Unprocessable Content" in drawing_of(trace(GOOD + guess))["texts"]


def test_no_report_holds_what_a_phone_showed_or_a_cookie(played, problems):
    play = played(
        "- enroll: {user: user1, browser: laptop, phone: pixel}\n- wait: 1m\n"
        "- recover: {user: user1, browser: tablet}\n"
        "- support_reset: {user: user1, email: user1@example.com, reason: new phone}\n"
        "- visit: {browser: laptop}\n  expect: {outcome: locked}\n"
    )
    told = [trace_of(play)]
    reports = as_page(told, [], {}) + as_junit(told, []) + as_lines(told, []) + as_annotations(told, [])
    secrets = set()
    for moment in play.moments:
        for exchange in moment.exchanges:
            typed = parse_qsl(exchange.request.body.decode())
            secrets |= {value for name, value in typed if name in ("code", "recovery_code", "csrf")}
            secrets |= {header.partition(";")[0] for header in exchange.seen.headers_named("Set-Cookie")}
    assert len(secrets) > 6
    assert [secret for secret in secrets if secret in reports] == []
