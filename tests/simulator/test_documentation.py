"""The page for testers says what the tables say."""

from __future__ import annotations

import re

import pytest

from mfa_simulator.cli.playing import run
from mfa_simulator.language.format.invariant_names import INVARIANTS
from mfa_simulator.language.format.outcomes import ALL
from mfa_simulator.language.format.tables import EXPECT, NETWORK, TOP
from mfa_simulator.language.format.verbs import VERBS
from mfa_simulator.language.parser import parse
from mfa_simulator.play.running import play
from mfa_simulator.play.timeline import timeline, verdict
from mfa_simulator.world.clocks import frozen_wall_clock

pytestmark = pytest.mark.any_python


@pytest.fixture(scope="module")
def page(root):
    return (root / "docs" / "scenarios.md").read_text(encoding="utf-8")


def rows(page, heading):
    """The rows of a section's tables, by each name in their first column."""
    section = page.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| `")]
    return {name: line for line in lines for name in re.findall(r"`(\w+)`", line.split("|")[1])}


def test_every_verb_is_there_with_its_arguments_and_outcomes(page):
    table = rows(page, "Steps")
    assert list(table) == [verb.name for verb in VERBS]
    for verb in VERBS:
        if verb.name != "server_clock":
            for key in verb.keys:
                assert f"`{key.name}" in table[verb.name], (verb.name, key.name)
                assert (f"**`{key.name}`**" in table[verb.name]) == key.required, (verb.name, key.name)
        for outcome in verb.must or ():
            assert f"`{outcome}`" in table[verb.name].split("|")[3]


def test_every_key_of_the_other_tables_is_there(page):
    assert set(rows(page, "What can be expected")) == {key.name for key in EXPECT}
    assert set(rows(page, "Network")) == {key.name for key in NETWORK}
    assert set(rows(page, "A file")) == set(TOP)
    assert set(rows(page, "Invariants")) == set(INVARIANTS)
    outcomes = page.partition("\nOutcomes: ")[2].partition("\n\n")[0]
    assert set(re.findall(r"`(\w+)`", outcomes)) == set(ALL)


def test_the_example_prints_what_the_page_shows(page):
    example = re.search(r"```yaml\n(scenario: .*?)```", page, re.DOTALL)
    shown = re.search(r"\$ mfa-sim run once\.mfa\.yaml\n(.*?)```", page, re.DOTALL)
    (scenario,) = parse(example[1], file="once.mfa.yaml")
    with frozen_wall_clock(scenario.start) as wall:
        played = play(scenario, wall)
    assert f"{timeline(played)}\n{verdict(played)}\n1 passed, 0 failed\n" == shown[1]


def test_the_matrix_of_the_page_is_read(page):
    matrix = re.search(r"```yaml\n(matrix:.*?)```", page, re.DOTALL)[1]
    user = "users: {user1: {password: x, phones: {pixel: }}}\n"
    assert len(parse(f"scenario: x\n{user}{matrix}steps: [wait: 1s]\n", file="x")) == 6


def test_every_option_of_a_run_is_on_a_page(root):
    pages = "".join(
        (root / "docs" / f"{name}.md").read_text(encoding="utf-8") for name in ("scenarios", "testing")
    )
    names = [parameter.opts for parameter in run.params if parameter.param_type_name == "option"]
    assert [each for each in names if not any(name in pages for name in each)] == []
