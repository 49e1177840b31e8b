"""Each story is isolated: what is raised in one ends that one."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner

from mfa_simulator.cli import main
from mfa_simulator.language.parser import parse
from mfa_simulator.play.batch import BatchOptions, results
from mfa_simulator.play.crash import crash_of
from mfa_simulator.play.timeline import timeline, verdict

STORY = """\
scenario: {title}
users:
  user1: {{password: correct horse, phones: {{pixel: }}}}
steps:
  - enroll: {{user: user1, browser: laptop, phone: pixel}}
  - visit: {{browser: laptop, path: {path}}}
    expect: {{}}
finally:
  - wait: 1s
"""
PORTAL = """\
import asyncio, os, time
from legacy_portals import make_portal as plain

def make_portal(users, secret_key):
    portal = plain(users, secret_key)
    def application(environ, start_response):
        path = environ["PATH_INFO"]
        if path == "/clock":
            while time.monotonic() < start + 500:
                pass
        if path == "/sleep":
            time.sleep(3600)
        if path == "/async":
            asyncio.run(asyncio.sleep(3600))
        if path == "/exit":
            os._exit(7)
        return portal(environ, start_response)
    start = time.monotonic()
    return application
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with a portal of its own module name, and stories that visit its pages."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "odd_portal.py").write_text(PORTAL, encoding="utf-8")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def write(**paths):
        for name, path in paths.items():
            text = STORY.format(title=name, path=path)
            (tmp_path / f"{name}.mfa.yaml").write_text(text, encoding="utf-8")
        return tmp_path

    return write


def stories(**paths):
    return [
        parse(STORY.format(title=name, path=path), file=f"{name}.mfa.yaml")[0] for name, path in paths.items()
    ]


def broken_action(world, step):
    raise LookupError({"not": "to be sent to another process"}, world)


def test_an_exception_is_the_verdict_of_its_story_alone(folder, monkeypatch):
    folder(a="/", b="/", c="/")
    from mfa_simulator.play import actions

    good = actions.ACTIONS["visit"]
    calls = []

    def sometimes(world, step):
        calls.append(step)
        return broken_action(world, step) if len(calls) == 2 else good(world, step)

    monkeypatch.setitem(actions.ACTIONS, "visit", sometimes)
    run = ["run", "--junit-xml", "r.xml", "--ndjson", "r.ndjson", "--html", "r.html", "--github", "."]
    result = CliRunner().invoke(main, run)
    assert result.exit_code == 5
    assert "ERROR b.mfa.yaml:6: LookupError" in result.stdout
    assert "1s" in result.stdout.partition("ERROR")[0]  # the steps of `finally` are played
    assert "2 passed, 0 failed, 1 could not be played" in result.stdout
    assert "::error file=b.mfa.yaml,line=6" in result.stdout
    root = ET.parse("r.xml").getroot()  # noqa: S314  # our own
    assert (root.get("failures"), root.get("errors")) == ("0", "1")
    assert root.find(".//error").get("type") == "error"
    assert all(
        float(each.get("time")) >= 0 for each in (root, *root.iter("testsuite"), *root.iter("testcase"))
    )
    lines = [json.loads(line) for line in Path("r.ndjson").read_text(encoding="utf-8").splitlines()]
    assert [line["verdict"] for line in lines if line["type"] == "verdict"] == ["passed", "error", "passed"]
    assert lines[-1]["error"] == 1


def test_a_world_that_cannot_be_made_is_the_error_of_its_story(monkeypatch):
    from mfa_simulator.play import running

    def unmade(*_):
        raise ValueError("no world today")

    monkeypatch.setattr(running, "World", unmade)
    (result,) = results(stories(a="/"), BatchOptions())
    assert verdict(result.play).startswith("ERROR  a.mfa.yaml")
    assert "ERROR a.mfa.yaml:1: ValueError: no world today" in timeline(result.play)


def test_a_process_that_ends_takes_one_story_with_it(folder):
    folder()
    order = BatchOptions(app="odd_portal:make_portal")
    found = list(results(stories(a="/", b="/exit", c="/", d="/"), order, jobs=2))
    words = [verdict(result.play).split()[0] for result in found]
    assert words == ["passed", "ERROR", "passed", "passed"]
    assert "the process that played this story ended" in found[1].play.crash.message


def test_an_application_that_waits_by_a_frozen_clock_is_named_with_its_line(folder):
    folder()
    order = BatchOptions(app="odd_portal:make_portal", timeout_seconds=0.5)
    stuck, fine = results(stories(a="/clock", b="/"), order)
    line = textwrap.dedent(PORTAL).splitlines().index("            while time.monotonic() < start + 500:") + 1
    message = stuck.play.crash.message
    assert "your application waits at " in message
    assert any(
        f"odd_portal.py:{line + at} by a clock that does not move in GET /clock" in message for at in (0, 1)
    )
    assert not fine.play.failed


@pytest.mark.parametrize("path", ["/sleep", "/async"])
def test_what_sleeps_lets_virtual_time_pass_and_costs_none_of_ours(folder, path):
    folder()
    order = BatchOptions(app="odd_portal:make_portal", timeout_seconds=5)
    (result,) = results(stories(a=path), order)
    assert not result.play.failed
    visit = result.play.moments[-2]
    assert 0 <= visit.ended_at - visit.began_at - 3600 * 1_000_000 <= 1
    assert visit.found.outcome == "timeout"  # no browser waits for an hour
    assert result.seconds < 5


def test_a_crash_holds_nothing_but_text():
    try:
        raise LookupError(object())
    except LookupError as error:
        crash = crash_of(error, line=3)
    assert crash.calls[-1].startswith("play/test_isolation.py:")
    assert all(isinstance(call, str) for call in crash.calls)


def test_a_step_of_a_thousand_requests_keeps_its_ends_and_counts_the_rest(played):
    play = played(
        "- enroll: {user: user1, browser: laptop, phone: pixel}\n"
        "- wait: 1m\n"
        "- guess: {user: user1, browser: thief, times: 120, every: 1s}\n"
        "  expect: {outcome: signed_in}\n"
    )
    guesses = play.moments[-1]
    assert len(guesses.exchanges) == 50
    assert guesses.left_out > 50
    told = timeline(play).splitlines()
    assert len(told) < 60
    assert any(line.strip().startswith("... ") and line.endswith(" more") for line in told)


def test_a_failure_says_what_the_server_looked_at(played):
    play = played(
        "- enroll: {user: user1, browser: laptop, phone: pixel}\n"
        "- sign_out: {browser: laptop}\n"
        "- wait: 1m\n"
        "- set_clock: {phone: pixel, offset: -45s}\n"
        "- wait_until: step+2s\n"
        "- sign_in: {user: user1, browser: laptop, phone: pixel}\n"
    )
    told = timeline(play)
    assert "the code is that of step 58907521, 2 behind the server's" in told
    assert "window: steps 58907522 to 58907524, no learned drift; last accepted step 58907521" in told
    assert "worker 1 answered; its clock shows true time" in told
    assert "budgets left: codes " in told
