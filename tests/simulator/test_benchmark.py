"""The story that the benchmark plays is the one that its figures are about."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from mfa_simulator.language.parser import read_file
from mfa_simulator.play.running import play
from mfa_simulator.world.clocks import frozen_wall_clock

STORY = Path(__file__).resolve().parents[2] / "benchmarks" / "story.mfa.yaml"


def test_the_story_has_100_exchanges_one_enrollment_and_three_sign_ins():
    (scenario,) = read_file(STORY)
    with frozen_wall_clock(scenario.start) as wall:
        played = play(scenario, wall)
    assert not played.failed
    assert sum(len(moment.exchanges) for moment in played.moments) == 100
    verbs = Counter(moment.step.verb for moment in played.moments)
    assert (verbs["enroll"], verbs["sign_in"]) == (1, 3)
