"""The scenario files of the repository: all pass, each says why it exists, and none depends on chance."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mfa_simulator.language.format.verbs import BY_NAME
from mfa_simulator.language.parser import read_file
from mfa_simulator.play.running import play
from mfa_simulator.play.timeline import timeline
from mfa_simulator.world.clocks import frozen_wall_clock

pytestmark = pytest.mark.any_python

FOLDER = Path(__file__).resolve().parents[2] / "fixtures" / "scenarios"
FILES = sorted(FOLDER.rglob("*.mfa.yaml"))


def name(path):
    return str(path.relative_to(FOLDER))


@pytest.mark.parametrize("path", FILES, ids=name)
def test_a_scenario_file_goes_as_it_says(path):
    for scenario in read_file(path):
        with frozen_wall_clock(scenario.start) as wall:
            played = play(scenario, wall)
        assert not played.failed, timeline(played)


@pytest.mark.parametrize("path", FILES, ids=name)
def test_a_scenario_file_begins_by_saying_why_it_exists(path):
    first = path.read_text(encoding="utf-8").splitlines()[0]
    assert first.startswith("# Why: ")


def test_every_verb_is_played_in_some_scenario_file():
    played = {
        step.verb for path in FILES for scenario in read_file(path) for step in _all_steps(scenario.steps)
    }
    assert played == set(BY_NAME)


def _all_steps(steps):
    for step in steps:
        yield step
        yield from _all_steps(step.steps)


def test_the_same_files_print_the_same_timelines_byte_for_byte():
    names = ("attacks/one-code-many-browsers", "clock/phone-slow-until-resynced")
    files = [str(FOLDER / f"{name}.mfa.yaml") for name in names]
    seen = set()
    for hash_seed, zone, jobs in (("0", "UTC", "1"), ("4711", "Europe/Berlin", "2")):
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "TZ": zone}
        command = [sys.executable, "-m", "mfa_simulator", "run", "-v", "-j", jobs, *files]
        done = subprocess.run(command, env=environment, capture_output=True, check=True)
        assert done.stderr == b""
        seen.add(done.stdout)
    assert len(seen) == 1
