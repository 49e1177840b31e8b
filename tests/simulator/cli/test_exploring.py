"""`mfa-sim explore` and `mfa-sim shrink` as commands: what they print, write, and end with."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from mfa_simulator.cli import main
from mfa_simulator.explore import life
from wsgi_mfa.core import verification

pytestmark = pytest.mark.any_python

GOOD = "scenario: Good\nsteps:\n  - wait: 1s\n"
FAILING = "scenario: Failing\nsteps:\n  - wait: 1s\n  - visit: {browser: a}\n  - wait: 2s\n"
BAD = "scenario: Bad\nsteps:\n  - visitt: {browser: a}\n"


@pytest.fixture
def invoke(tmp_path, monkeypatch):
    """``invoke(*arguments)``: run ``mfa-sim`` in an empty folder, give the result."""
    monkeypatch.chdir(tmp_path)
    for name, text in {"good": GOOD, "failing": FAILING, "bad": BAD}.items():
        (tmp_path / f"{name}.mfa.yaml").write_text(text, encoding="utf-8")
    return lambda *arguments: CliRunner().invoke(main, arguments)


def test_lives_without_a_finding_end_with_0_and_list_their_goals(invoke, tmp_path):
    result = invoke("explore", "--lives", "2", "--seed", "7")
    assert result.exit_code == 0, result.output
    assert "2 lives, " in result.output
    assert "seed 7: 0 findings" in result.output
    assert "goals reached: " in result.output
    assert "never reached: " in result.output
    assert not (tmp_path / "mfa-findings").exists()


def test_a_finding_ends_with_3_and_is_a_file_that_fails_and_is_removed_once_mended(
    invoke, monkeypatch, tmp_path
):
    with monkeypatch.context() as patch:
        patch.setattr(verification, "_is_unused", lambda phone, step: True)
        result = invoke("explore", "--lives", "1")
        assert result.exit_code == 3
        assert "found  code_once: the code of step" in result.output
        (file,) = (tmp_path / "mfa-findings").iterdir()
        assert f"mfa-sim run mfa-findings/{file.name}" in result.output
        assert invoke("run", str(file)).exit_code == 3
    assert invoke("check", str(file)).exit_code == 0
    assert invoke("fmt", "--check", str(file)).exit_code == 0
    result = invoke("explore", "--lives", "1", "--seed", "7")
    assert f"mended  mfa-findings/{file.name}" in result.output
    assert not file.exists()


def test_a_life_that_cannot_be_played_ends_with_5(invoke, monkeypatch):
    def broken(*_, **__):
        raise RuntimeError("no dice")

    monkeypatch.setattr(life, "drawn", broken)
    result = invoke("explore", "--lives", "2")
    assert result.exit_code == 5
    assert "2 could not be played" in result.output
    assert "no dice" in result.output


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--for", "0s"), '"0s" is no span: legal is a number of s, m or h'),
        (("--for", "soon"), '"soon" is no span'),
        (("--from", "bad.mfa.yaml"), 'no verb "visitt"'),
        (("--from", "good.mfa.yaml"), "--from good.mfa.yaml: lives need a user, and the file has none"),
        (("--app", "nothing:here"), "--app: the module nothing cannot be imported"),
    ],
)
def test_what_cannot_be_explored_ends_with_2_and_says_why(invoke, arguments, told):
    result = invoke("explore", *arguments)
    assert result.exit_code == 2
    assert told in result.output


def test_lives_go_on_from_a_file(invoke):
    assert invoke("new", "begun.mfa.yaml").exit_code == 0
    result = invoke("explore", "--lives", "1", "--from", "begun.mfa.yaml")
    assert result.exit_code == 0, result.output


def test_shrink_names_the_steps_that_matter_and_prints_the_shorter_file(invoke, tmp_path):
    result = invoke("shrink", "failing.mfa.yaml")
    assert result.exit_code == 0
    assert "1 of 3 steps matter:\n  failing.mfa.yaml:4: visit: {browser: a}\n" in result.stderr
    assert result.stdout == "scenario: Failing\nsteps:\n  - visit: {browser: a}\n"
    assert invoke("shrink", "failing.mfa.yaml", "-o", "short.mfa.yaml").exit_code == 0
    assert (tmp_path / "short.mfa.yaml").read_text(encoding="utf-8") == result.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("good.mfa.yaml",), 1, "does not fail: there is nothing to shrink"),
        (("bad.mfa.yaml",), 2, 'no verb "visitt"'),
        (("failing.mfa.yaml", "-o", "short.yaml"), 2, "ends in .mfa.yaml"),
        (("failing.mfa.yaml", "--app", "nothing:here"), 2, "cannot be imported"),
    ],
)
def test_what_cannot_be_shrunk_is_told(invoke, arguments, code, told):
    result = invoke("shrink", *arguments)
    assert (result.exit_code, told in result.output) == (code, True)
