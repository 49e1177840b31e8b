"""The report of a run in a real browser: drawn when opened, read by pointer and by keyboard, in every look.

Screenshots stay in the folder ``pictures`` below pytest's base folder, for a person to look at.
"""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from mfa_simulator.cli import main

STORY = """\
# Why: an example.
scenario: A code is good once
workers: 2
users:
  user1: {password: correct horse, email: user1@example.com, phones: {pixel: {offset: -20s}}}
steps:
  - enroll: {user: user1, browser: laptop, phone: pixel}
  - sign_in: {user: user1, browser: tablet, phone: pixel}
    expect: {outcome: used_code}
  - wait: 5h
  - guess: {user: user1, browser: thief, times: 6, every: 1s}
    expect: {outcome: locked}
  - support_reset: {user: user1, email: user1@example.com, reason: locked, delay: 20s}
"""
FAILING = STORY.replace("used_code", "signed_in")
LOOKS = [("light", 1280), ("dark", 1280), ("light", 360), ("dark", 360)]


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """The address of a report of two files, one of which fails."""
    folder = tmp_path_factory.mktemp("report")
    (folder / "a-good.mfa.yaml").write_text(STORY, encoding="utf-8")
    (folder / "failing.mfa.yaml").write_text(FAILING, encoding="utf-8")
    done = CliRunner().invoke(main, ["run", "--html", str(folder / "report.html"), str(folder)])
    assert done.exit_code == 1, done.output
    return (folder / "report.html").as_uri()


@pytest.fixture
def opened(chromium, report):
    """``opened(**options)``: the report in a new profile; it may ask for nothing and raise no error."""
    contexts, faults = [], []

    def show(**options):
        contexts.append(chromium.new_context(**options))
        page = contexts[-1].new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda message: message.type == "error" and faults.append(message.text))
        page.on("request", lambda asked: asked.url.startswith("file:") or faults.append(asked.url))
        page.goto(report)
        return page

    yield show
    for context in contexts:
        context.close()
    assert faults == []


def test_what_failed_is_open_and_drawn_and_the_rest_is_drawn_when_opened(opened):
    page = opened()
    assert page.locator("details.story.failed svg .mark").count() > 10
    good = page.locator("details.story.passed")
    assert good.locator("svg").count() == 0
    good.locator("summary").click()
    lanes = good.locator(".names div").all_inner_texts()
    assert lanes == [
        *("account user1", "browser laptop", "browser tablet", "browser thief"),
        *("phone pixel", "worker 1", "worker 2", "desk support"),
    ]
    for kind in ("session", "lock", "shown", "accepted"):
        assert good.locator(f"svg .{kind}").count() > 0, kind


def test_every_event_is_read_by_pointer_and_by_keyboard(opened):
    page = opened()
    marks = page.locator("details.failed svg .mark")
    tip = page.locator("#tip")
    marks.nth(2).hover()
    pointed = tip.inner_text()
    page.mouse.move(0, 0)
    marks.first.focus()
    told = []
    for _ in range(marks.count()):
        told.append(tip.inner_text())
        page.keyboard.press("ArrowRight")
    assert pointed in told
    assert len(told) == marks.count()
    assert all(text.strip() for text in told)
    assert any("used_code" in text for text in told)
    page.keyboard.press("Home")
    page.keyboard.press("Enter")
    assert page.evaluate("location.hash").startswith("#s1-")


def test_a_failure_leads_to_its_line_in_the_file(opened):
    page = opened()
    page.get_by_role("link", name="failing.mfa.yaml:9").click()
    line = page.locator(".source li:target")
    assert line.inner_text().strip() == "expect: {outcome: signed_in}"
    assert line.is_visible()


def test_stories_are_found_by_words_and_by_verdict(opened):
    page = opened()
    page.get_by_label("Find").fill("failing")
    assert page.locator("details.story:visible").count() == 1
    page.get_by_label("Find").fill("")
    page.get_by_label("passed").uncheck()
    assert page.locator("details.story:visible").count() == 1
    assert page.locator("output").inner_text() == "1 of 2"


def test_without_javascript_the_tables_say_it(opened):
    page = opened(java_script_enabled=False)
    assert page.get_by_text("outcome: expected signed_in, got used_code").first.is_visible()
    page.locator("details.passed summary").click()
    assert page.locator("details.passed tbody tr").count() == 5


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
def test_the_page_fits_every_screen(opened, pictures, scheme, width):
    page = opened(color_scheme=scheme, viewport={"width": width, "height": 800})
    page.locator("details.story.passed summary").click()
    page.screenshot(path=pictures / f"report-{scheme}-{width}.png", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
