"""`mfa-sim prove` as a command: what it prints, writes, and ends with."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from mfa_simulator.cli import main
from wsgi_mfa.core import verification

pytestmark = pytest.mark.any_python


@pytest.fixture
def invoke(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: CliRunner().invoke(main, ["prove", *arguments])


def test_the_rules_break_no_law_and_states_depth_and_time_are_printed(invoke, tmp_path):
    result = invoke("--depth", "2", "--alphabet", "everyday")
    assert result.exit_code == 0
    assert "everyday: 17 actions" in result.output
    assert "  depth 2: 7" in result.output
    assert "no law is broken within 2 commands" in result.output
    assert list(tmp_path.iterdir()) == []


def test_a_counter_example_ends_with_3_and_is_a_story_that_fails(invoke, monkeypatch, tmp_path):
    monkeypatch.setattr(verification, "_is_unused", lambda phone, step: True)
    result = invoke("--depth", "3", "--alphabet", "everyday")
    assert result.exit_code == 3
    assert "BROKEN  code once: the code of step +0 opened a second session" in result.output
    assert "breaks an invariant of the whole middleware too" in result.output
    (file,) = (tmp_path / "mfa-findings").iterdir()
    assert file.name == "prove-everyday-code-once.mfa.yaml"
    assert CliRunner().invoke(main, ["run", str(file)]).exit_code == 3
    monkeypatch.undo()
    assert CliRunner().invoke(main, ["run", str(file)]).exit_code == 0
    assert CliRunner().invoke(main, ["fmt", "--check", str(file)]).exit_code == 0


def test_alphabets_are_listed_and_a_wrong_one_is_an_error_with_the_legal_ones(invoke):
    listed = invoke("--alphabet", "list")
    assert listed.exit_code == 0
    names = [line.split()[0] for line in listed.output.splitlines()]
    wrong = invoke("--alphabet", "codez")
    assert wrong.exit_code == 2
    assert f'no alphabet "codez": legal are all, {", ".join(names)}' in wrong.output
