"""What several places of a file, and several files, share."""

from __future__ import annotations

import pytest

from mfa_simulator.errors import ScenarioFileError
from mfa_simulator.language.parser import parse, read_file

USER = "users: {user1: {password: x, phones: {pixel: }}}\n"


def read(text):
    (scenario,) = parse(f"scenario: A story\n{text}", file="story.mfa.yaml")
    return scenario


def test_a_block_has_parameters():
    scenario = read(
        USER + "blocks: {b: [{enroll: {user: $user, browser: $where, phone: pixel}}]}\n"
        "steps: [use: {block: b, user: user1, where: laptop}]\n"
    )
    assert scenario.steps[0]["browser"] == "laptop"


@pytest.mark.parametrize(
    ("use", "message"),
    [
        ("{block: b}", 'the block "b" needs where'),
        ("{block: b, where: a, other: c}", 'the block "b" has no other'),
        ("{block: c, where: a}", 'no block "c"; there is: b'),
        ("[b]", 'no block ""'),
    ],
)
def test_a_block_is_used_with_all_its_parameters_and_no_other(problems_of, use, message):
    (problem, *_) = problems_of(
        f"scenario: x\nblocks: {{b: [{{visit: {{browser: $where}}}}]}}\nsteps: [use: {use}]\n"
    )
    assert message in problem


def test_steps_are_repeated():
    scenario = read("steps:\n  - repeat: {times: 3, steps: [wait: 1s, wait: 2s]}\n")
    assert [step["value"] for step in scenario.steps] == [1_000_000, 2_000_000] * 3


@pytest.mark.parametrize(
    "repeat",
    [
        "{times: 3}",
        "{times: 0, steps: [wait: 1s]}",
        "{times: 2, steps: []}",
        "3",
        "{times: 2, steps: [wait: 1s], x: y}",
    ],
)
def test_a_repetition_has_a_number_and_steps(problems_of, repeat):
    assert problems_of(f"scenario: x\nsteps:\n  - repeat: {repeat}\n")


def test_repetitions_in_one_another_are_bounded(problems_of):
    inner = "wait: 1s"
    for _ in range(6):
        inner = f"repeat: {{times: 20000, steps: [{inner}]}}"
    assert any("more than 20000 steps" in each for each in problems_of(f"scenario: x\nsteps:\n  - {inner}\n"))


def test_what_is_apart_is_not_read_and_can_be_merged():
    scenario = read(
        "x-people: &common {password: x, email: a@example.com}\n"
        "users: {user1: {<<: *common, email: b@example.com}, user2: {<<: [*common]}}\n"
        "steps: [wait: 1s]\n"
    )
    assert [user.email for user in scenario.users] == ["b@example.com", "a@example.com"]


def test_only_mappings_are_merged(problems_of):
    (problem,) = problems_of("scenario: x\nx-a: &a [1]\nalways: {<<: [*a]}\nsteps: [wait: 1s]\n")
    assert "`<<` merges mappings in" in problem


@pytest.fixture
def story(tmp_path):
    """``story(people, text)``: read a file beside one of people."""

    def write(people, text):
        (tmp_path / "people.yaml").write_text(people, encoding="utf-8")
        (tmp_path / "a.mfa.yaml").write_text(f"scenario: x\n{text}", encoding="utf-8")
        (scenario,) = read_file(tmp_path / "a.mfa.yaml")
        return scenario

    return write


def test_users_and_blocks_come_from_another_file_and_ones_own_count_first(story):
    people = "users: {ann: {password: theirs}, bob: {password: y}}\nblocks: {b: [wait: 1s]}\n"
    scenario = story(people, "include: people.yaml\nusers: {ann: {password: mine}}\nsteps: [use: b]\n")
    assert {user.name: user.password for user in scenario.users} == {"ann": "mine", "bob": "y"}
    assert scenario.steps[0].position.line == 2  # where it is included


@pytest.mark.parametrize(
    ("people", "include", "message"),
    [
        ("users: {}\n", "none.yaml", "none.yaml cannot be included: No such file"),
        ("steps: [wait: 1s]\n", "people.yaml", '"steps" cannot be included'),
        ("- 1\n", "people.yaml", "people.yaml is no mapping"),
        ("users: [\n", "people.yaml", "people.yaml:2: not readable as YAML"),
    ],
)
def test_what_cannot_be_included_is_told_at_the_include(story, people, include, message):
    with pytest.raises(ScenarioFileError) as caught:
        story(people, f"include: {include}\nsteps: [wait: 1s]\n")
    assert message in str(caught.value)
    assert "a.mfa.yaml:2:" in str(caught.value)
