"""Many scenarios: in the order of the files, in one process or in several, once or twice."""

from __future__ import annotations

import gc
import itertools

import pytest

from legacy_portals import make_portal
from mfa_simulator.errors import PortalError
from mfa_simulator.language.parser import parse
from mfa_simulator.play.batch import BatchOptions, results
from mfa_simulator.play.timeline import timeline

pytestmark = pytest.mark.any_python

STORY = """
scenario: Story {number}
seed: {number}
users:
  user1: {{password: correct horse, email: user1@example.com, phones: {{pixel: }}}}
steps:
  - enroll: {{user: user1, browser: laptop, phone: pixel}}
  - visit: {{browser: laptop}}
    expect: {{outcome: {outcome}}}
"""
REFERENCE = "legacy_portals:make_portal"


def stories(*outcomes):
    return [
        parse(STORY.format(number=number, outcome=outcome), file=f"{number}.mfa.yaml")[0]
        for number, outcome in enumerate(outcomes)
    ]


def test_several_processes_give_what_one_gives_in_the_order_of_the_files():
    scenarios = stories(*["welcome", "locked", "welcome"] * 4)
    alone = [timeline(result.play) for result in results(scenarios, BatchOptions())]
    shared = [timeline(result.play) for result in results(scenarios, BatchOptions(app=REFERENCE), jobs=2)]
    assert shared == alone
    assert [text.startswith(f"Story {number}\n") for number, text in enumerate(alone)] == [True] * 12


def test_a_portal_that_cannot_be_made_in_a_process_ends_the_run():
    with pytest.raises(PortalError, match="the module nothing_of_this_name cannot be imported"):
        list(results(stories("welcome", "welcome"), BatchOptions(app="nothing_of_this_name:make"), jobs=2))


def test_no_scenario_gives_no_result():
    assert list(results([], BatchOptions(app="nothing_of_this_name:make"))) == []


def test_garbage_is_collected_as_before_once_the_stories_are_played():
    before = gc.get_threshold(), gc.get_freeze_count()
    for _ in results(stories("welcome"), BatchOptions()):
        assert gc.get_threshold() != before[0]
    assert (gc.get_threshold(), gc.get_freeze_count()) == before


def test_the_same_story_told_twice_is_the_same():
    (result,) = results(stories("welcome"), BatchOptions(twice=True))
    assert result.difference == ()


counter = itertools.count()


def makes_a_difference(users, secret_key):
    """A portal whose replies differ from one play to the next, as with a random identifier."""
    portal = make_portal(users, secret_key)

    def application(environ, start_response):
        def start(status, headers, exc_info=None):
            return start_response(status, [*headers, ("X-Request-Number", str(next(counter)))], exc_info)

        return portal(environ, start)

    return application


def test_what_differs_between_two_plays_is_shown_where_it_differs_first(monkeypatch):
    monkeypatch.setattr("mfa_simulator.play.batch.imported_factory", lambda reference: makes_a_difference)
    (result,) = results(stories("welcome"), BatchOptions(app=f"{__name__}:makes_a_difference", twice=True))
    assert not result.play.failed
    first, one, other = result.difference
    assert first == (
        "0.mfa.yaml:7: request 1 of this step, GET http://127.0.0.1:8000/, or its reply differs between"
        " two plays with seed 0"
    )
    assert one.startswith("first:  X-Request-Number: ")
    assert other.startswith("second: X-Request-Number: ")
    assert one.split()[-1] != other.split()[-1]


def test_a_play_stops_after_a_line_and_tells_how_everything_stands():
    (result,) = results(stories("welcome"), BatchOptions(until=7))
    (moment,) = result.play.moments
    assert moment.step.verb == "enroll"
    state = "\n".join(result.play.state)
    assert state.startswith("  state at 2026-01-01 00:00:05.000, 5.000s into step 58907520\n")
    assert "    user user1: phone " in state
    assert "; wrote down last " in state
    assert "    phone user1/pixel: shows 2026-01-01 00:00:05.000, right; code " in state
    assert " of step 58907520, for 25s more" in state
    assert "    browser laptop: status 200, welcome; used by user1; cookies " in state
    assert state.endswith("    worker 1: shows 2026-01-01 00:00:05.000, right")
    assert timeline(result.play).endswith(state)


def test_a_failure_before_that_line_is_shown_with_its_state():
    (result,) = results(stories("locked"), BatchOptions(until=99))
    assert result.play.failed
    assert result.play.state
