"""New files, and files laid out."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from mfa_simulator.cli import main
from mfa_simulator.language.layout import formatted

pytestmark = pytest.mark.any_python

UNTIDY = "scenario:  Good\nsteps:\n- visit:   {browser: a}\n  expect: {outcome: sign_in_required}\n"
TIDY = "scenario: Good\nsteps:\n  - visit: {browser: a}\n    expect: {outcome: sign_in_required}\n"


@pytest.fixture
def mfa_sim(tmp_path, monkeypatch):
    """``mfa_sim(*arguments)``: run the command in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: CliRunner().invoke(main, arguments)


@pytest.mark.parametrize("name", ["lost-phone", "deep/er/it's_42", "50% off: a # story", "null"])
def test_a_new_file_passes_and_is_laid_out(mfa_sim, tmp_path, name):
    file = f"{name}.mfa.yaml"
    assert mfa_sim("new", file).exit_code == 0
    text = (tmp_path / file).read_text(encoding="utf-8")
    assert formatted(text, file=file) == text
    assert mfa_sim("run", file).exit_code == 0, text


def test_the_title_of_a_new_file_is_its_name_in_words(mfa_sim, tmp_path):
    mfa_sim("new", "lost-phone_of-ann.mfa.yaml")
    assert "scenario: Lost phone of ann\n" in (tmp_path / "lost-phone_of-ann.mfa.yaml").read_text()


def test_a_new_file_overwrites_nothing_and_has_the_right_name(mfa_sim, tmp_path):
    (tmp_path / "a.mfa.yaml").write_text(TIDY)
    for name, reason in (("a.mfa.yaml", "exists already"), ("a.yaml", "ends in .mfa.yaml")):
        result = mfa_sim("new", name)
        assert result.exit_code == 2
        assert reason in result.stderr
    assert (tmp_path / "a.mfa.yaml").read_text() == TIDY


def test_files_are_laid_out_and_told(mfa_sim, tmp_path):
    (tmp_path / "a.mfa.yaml").write_text(UNTIDY)
    (tmp_path / "b.mfa.yaml").write_text(TIDY)
    checked = mfa_sim("fmt", "--check", ".")
    assert (checked.exit_code, checked.stdout) == (
        1,
        "would lay out  a.mfa.yaml\n1 as they should be, 1 not\n",
    )
    assert (tmp_path / "a.mfa.yaml").read_text() == UNTIDY
    done = mfa_sim("fmt", ".")
    assert (done.exit_code, done.stdout) == (0, "laid out  a.mfa.yaml\n1 as they should be, 1 laid out\n")
    assert (tmp_path / "a.mfa.yaml").read_text() == TIDY


def test_a_file_that_cannot_be_read_is_told_and_left_alone(mfa_sim, tmp_path):
    (tmp_path / "a.mfa.yaml").write_text("a: [")
    (tmp_path / "b.mfa.yaml").write_bytes(b"\xff")
    result = mfa_sim("fmt", ".", "c.mfa.yaml")
    assert result.exit_code == 2
    assert result.stderr.count("\n") == 3
    assert "a.mfa.yaml:1:5: not readable as YAML" in result.stderr
    assert (tmp_path / "a.mfa.yaml").read_text() == "a: ["
