"""Which scenarios a run plays."""

from __future__ import annotations

import time

import pytest
from click.testing import CliRunner

from mfa_simulator.cli import main
from mfa_simulator.world.clocks import real_clocks

TEXT = """\
scenario: {title}
tags: [{tag}]
steps:
  - visit: {{browser: a}}
    expect: {{outcome: {outcome}}}
"""


@pytest.fixture
def run(tmp_path, monkeypatch):
    """``run(*arguments)``: a run of three files, of which the one that is red fails."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for title, tag, outcome in (
        ("First", "quick", "sign_in_required"),
        ("Red", "slow", "welcome"),
        ("Third", "quick", "sign_in_required"),
    ):
        text = TEXT.format(title=title, tag=tag, outcome=outcome)
        (tmp_path / f"{title}.mfa.yaml").write_text(text, encoding="utf-8")
    return lambda *arguments: CliRunner().invoke(main, ["run", *arguments, "."])


@pytest.mark.parametrize(
    ("arguments", "last"),
    [
        ((), "2 passed, 1 failed"),
        (("-t", "quick"), "2 passed, 0 failed, 1 not chosen"),
        (("-t", "quick", "--tag", "slow"), "2 passed, 1 failed"),
        (("-k", "third"), "1 passed, 0 failed, 2 not chosen"),
        (("-x",), "1 passed, 1 failed, 1 not played"),
        (("--seed", "3..4", "-t", "quick"), "4 passed, 0 failed"),
    ],
)
def test_a_run_plays_what_is_chosen(run, arguments, last):
    assert run(*arguments).stdout.splitlines()[-1] == last


def test_a_run_that_stops_gives_real_time_back(run):
    result = run("-x")
    assert result.exit_code == 1
    assert time.time is real_clocks()[0]


def test_what_failed_is_played_again_alone(run):
    assert run().exit_code == 1
    again = run("--failed")
    assert again.stdout.splitlines()[-1] == "0 passed, 1 failed, 2 not chosen"
    assert "FAILED  Red.mfa.yaml" in again.stdout


def test_a_choice_of_nothing_is_a_mistake(run):
    result = run("-t", "none")
    assert result.exit_code == 2
    assert "none of the 3 scenarios is chosen" in result.stderr


@pytest.mark.parametrize("seeds", ["a", "5..1", "1..", "0..99999"])
def test_a_range_of_seeds_goes_upward(run, seeds):
    assert run("--seed", seeds).exit_code == 2


def test_each_seed_is_named_in_its_row(run):
    assert "First.mfa.yaml [seed=7]" in run("--seed", "7", "-k", "First").stdout


def test_the_command_tells_its_version():
    result = CliRunner().invoke(main, ["--version"])
    assert result.stdout.startswith("mfa-sim ")
