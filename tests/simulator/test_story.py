"""Stories told from Python."""

from __future__ import annotations

import pytest

from mfa_simulator.errors import StoryError
from mfa_simulator.story import Story

pytestmark = pytest.mark.any_python

USERS = {
    "ann": {"password": "correct horse", "email": "ann@example.com", "phones": {"old": None, "new": None}}
}


@pytest.fixture
def story():
    """A story that has begun, with a user who has two phones."""
    with Story("A story", file="test_story.py") as told:
        told.begin(users=USERS)
        yield told


def test_the_example_of_the_documentation_goes_as_it_says():
    with Story("A new phone") as story:
        story.begin(users=USERS, policy={"steps_back": 1})
        story.enroll(user="ann", browser="laptop", phone="old")
        story.support_reset(user="ann", email="ann@example.com", reason="new phone")
        found = story.sign_in(user="ann", browser="laptop", phone="old", expect={})
        assert found.outcome == "must_enroll"
        assert story.account("ann").authenticator is None


def test_names_that_steps_give_are_known_to_later_steps(story):
    story.new_phone(user="ann", phone="third")
    story.enroll(user="ann", browser="laptop", phone="third")
    story.wait("1m")
    story.read_code(phone="third", as_="seen")
    assert story.sign_in(user="ann", browser="tablet", code="seen").outcome == "signed_in"


def test_steps_happen_at_the_same_time_and_settings_change(story):
    story.enroll(user="ann", browser="laptop", phone="old")
    story.change_policy({"steps_back": 0})
    story.together([{"visit": {"browser": "laptop"}}, {"visit": {"browser": "laptop", "path": "/orders"}}])
    assert story.timeline.count("welcome") == 2


def test_what_is_expected_is_judged_and_what_is_not_is_given_back(story):
    found = story.visit(browser="laptop", expect={"outcome": "sign_in_required"})
    assert found.outcome == "sign_in_required"
    with pytest.raises(StoryError, match=r"^outcome: expected welcome, got sign_in_required\nA story\n"):
        story.visit(browser="laptop", expect={"outcome": "welcome"})


@pytest.mark.parametrize(
    ("mistake", "message"),
    [
        (lambda story: story.begin(users=USERS), "the story has begun"),
        (lambda story: story.wait(), "wait takes one value by position"),
        (lambda story: story.visit("laptop"), "visit takes its arguments by name"),
        (lambda story: story.wait("60"), '"60" is not a duration'),
        (lambda story: story.visit(browser="laptop", pat="/"), 'Did you mean "path"'),
        (lambda story: story.visit(browser="a", expect={"outcome": "reset"}), "visit cannot end in reset"),
    ],
)
def test_a_mistake_is_told_by_its_legal_values(story, mistake, message):
    with pytest.raises(StoryError, match=message):
        mistake(story)


def test_nothing_can_be_done_before_the_beginning():
    with Story("A story") as story:
        with pytest.raises(StoryError, match="the story has not begun"):
            story.wait("1m")
        with pytest.raises(StoryError, match=r'begin has no "polcy"\. Did you mean "policy"\?'):
            story.begin(polcy={})


def test_a_story_ends_with_everybody_finding_a_way_in(monkeypatch):
    monkeypatch.setattr("mfa_simulator.story.judge_liveness", lambda world, wall: (_broken(),))
    story = Story("A story")
    story.begin(users=USERS)
    story.enroll(user="ann", browser="laptop", phone="old")
    with pytest.raises(StoryError, match="nobody gets in"):
        story.__exit__(None, None, None)


def test_verbs_are_listed_for_whoever_completes_names(story):
    assert {"sign_in", "support_reset", "begin"} <= set(dir(story))
    with pytest.raises(AttributeError, match=r'no verb "sing_in"\. Did you mean "sign_in"\?'):
        story.sing_in()


def _broken():
    from mfa_simulator.invariants.ledger import Violation

    return Violation(invariant="liveness", at=0, user="ann", request="GET /", seen="nobody gets in")
