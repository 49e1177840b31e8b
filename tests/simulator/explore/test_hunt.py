"""Lives find each planted hole, and what is written of it fails as long as the hole is there."""

from __future__ import annotations

import pytest

from mfa_simulator.explore import findings
from mfa_simulator.explore.hunt import Hunt, hunt, so_many
from mfa_simulator.explore.life import Stage, Trouble
from mfa_simulator.explore.plot import Plot
from mfa_simulator.language.parser import read_file
from mfa_simulator.language.scenario import START
from mfa_simulator.play.running import play
from mfa_simulator.world.clocks import frozen_wall_clock

pytestmark = pytest.mark.any_python

#: Two rounds through the themes.
LIVES = 24
STEPS_MAX = 6


def first_of(stage, *, lives=LIVES, seed=0):
    run = Hunt(seed=seed)
    return next(hunt(stage, run, goes_on=so_many(lives), shrink_seconds=60), None), run


def test_a_planted_hole_is_found_shrunk_and_written_as_a_file_that_passes_once_mended(hole, stage, tmp_path):
    finding, run = first_of(stage)
    assert finding is not None, f"{run.lives} lives did not show that {hole.name}"
    assert len(finding.plot.steps) <= STEPS_MAX
    file = findings.write(tmp_path, finding, found_by="explore --seed 0")
    assert findings.fails(file, stage)
    assert findings.remove_mended(tmp_path, stage) == []
    hole.mend()
    assert findings.remove_mended(tmp_path, stage) == [file]
    assert not file.exists()


def test_a_healthy_middleware_gives_no_finding_and_reaches_goals(stage):
    run = Hunt(seed=5)
    assert list(hunt(stage, run, goes_on=so_many(11))) == []
    assert run.errors == []
    assert run.lives == 11
    assert run.requests > run.lives
    assert "event sign_in.accepted" in run.goals.reached
    assert set(run.goals.reached) & set(run.goals.never) == set()


def test_the_same_seed_gives_the_same_lives():
    played = []
    for _ in range(2):
        with frozen_wall_clock(START) as wall:
            run, stage, lives = Hunt(seed=3), Stage(wall), []
            list(hunt(_Noting(stage, lives), run, goes_on=so_many(4)))
            played.append(lives)
    assert played[0] == played[1]
    assert len(played[0]) == 4


class _Noting:
    def __init__(self, stage, lives):
        self._stage, self._lives = stage, lives

    def draw(self, *arguments, **options):
        life = self._stage.draw(*arguments, **options)
        self._lives.append(life.plot)
        return life


def test_a_life_that_cannot_be_played_is_an_error_and_the_others_go_on(stage, monkeypatch):
    draw = stage.draw

    def broken(seed, number, deck, *, beginning=None):
        if number == 1:
            raise RuntimeError("the dice fell off the table")
        return draw(seed, number, deck, beginning=beginning)

    monkeypatch.setattr(stage, "draw", broken)
    run = Hunt(seed=0)
    list(hunt(stage, run, goes_on=so_many(3)))
    assert run.lives == 3
    assert len(run.errors) == 1
    assert "life 1 of seed 0" in run.errors[0]
    assert "the dice fell off the table" in run.errors[0]


def test_lives_go_on_from_a_beginning(stage):
    ann = {"password": "correct horse", "email": "ann@example.com", "phones": {"pixel": None}}
    steps = ({"enroll": {"user": "ann", "browser": "laptop", "phone": "pixel"}}, {"wait": "1m"})
    beginning = Plot(top={"users": {"ann": ann}, "policy": {"steps_back": 0}}, steps=steps)
    lives = []
    list(hunt(_Noting(stage, lives), Hunt(seed=0), goes_on=so_many(2), beginning=beginning))
    assert [life.steps[:2] for life in lives] == [steps, steps]
    assert all(life.top["policy"] == {"steps_back": 0} for life in lives)


def test_a_crash_of_the_middleware_is_trouble(stage, monkeypatch, tmp_path):
    from wsgi_mfa.core import commands, engine

    def handler(account, command, context):
        raise ZeroDivisionError("no rule")

    monkeypatch.setitem(engine.HANDLERS, commands.VerifyCode, handler)
    found = hunt(stage, Hunt(seed=0), goes_on=so_many(LIVES))
    finding = next(finding for finding in found if finding.trouble.invariant == "crash")
    file = findings.write(tmp_path, finding, found_by="explore")
    (scenario,) = read_file(file)
    assert play(scenario, stage.wall).failed
    monkeypatch.undo()
    assert not play(scenario, stage.wall).failed


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("locked for 30 s", "locked for 60 s", True),
        ("session 12ab9f is open", "session ffee01 is open", True),
        ("a reset left the phone", "a reset left the recovery code", False),
    ],
)
def test_findings_of_one_fault_have_one_signature(one, other, same):
    first, second = (Trouble(invariant="lock", seen=seen, user="ann") for seen in (one, other))
    assert (first.signature == second.signature) is same
    assert (findings.name_of(first) == findings.name_of(second)) is same


def test_only_findings_are_removed_from_the_folder(stage, tmp_path):
    mine = tmp_path / "mine.mfa.yaml"
    mine.write_text("scenario: Mine\nsteps:\n  - wait: 1s\n", encoding="utf-8")
    assert findings.remove_mended(tmp_path, stage) == []
    assert mine.exists()
    assert findings.remove_mended(tmp_path / "nothing here", stage) == []
