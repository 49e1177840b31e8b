"""The command."""

from __future__ import annotations

import subprocess
import sys

import pytest
from click.testing import CliRunner

from mfa_simulator.cli import main

GOOD = "scenario: Good\nsteps:\n  - visit: {browser: a}\n    expect: {outcome: sign_in_required}\n"
FAILING = "scenario: Failing\nsteps:\n  - visit: {browser: a}\n"
BAD = "scenario: Bad\nsteps:\n  - visitt: {browser: a}\n"


@pytest.fixture
def run(tmp_path):
    """``run(files, *arguments)``: write files, run ``mfa-sim run`` on their folder, give the result."""

    def invoke(files, *arguments):
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return CliRunner().invoke(main, ["run", *arguments, str(tmp_path)])

    return invoke


def test_a_run_that_goes_as_expected_ends_with_0(run):
    result = run({"a.mfa.yaml": GOOD})
    assert result.exit_code == 0
    assert "visit /" in result.stdout
    assert result.stdout.endswith("1 passed, 0 failed\n")


def test_a_failed_expectation_ends_with_1_and_names_its_line(run):
    result = run({"a.mfa.yaml": GOOD, "b.mfa.yaml": FAILING})
    assert result.exit_code == 1
    assert "b.mfa.yaml:3: outcome: expected welcome, got sign_in_required" in result.stdout
    assert result.stdout.endswith("1 passed, 1 failed\n")


def test_a_bad_file_ends_with_2_and_the_others_are_played(run):
    result = run({"a.mfa.yaml": BAD, "b.mfa.yaml": GOOD, "c.mfa.yaml": FAILING})
    assert result.exit_code == 2
    assert 'a.mfa.yaml:3:5: no verb "visitt". Did you mean "visit"?' in result.stderr
    assert "  - visitt: {browser: a}\n        ^" in result.stderr
    assert result.stdout.endswith("1 passed, 1 failed, 1 bad file\n")


def test_folders_are_searched_for_scenario_files_only(run):
    result = run({"deep/er/a.mfa.yaml": GOOD, "other.yaml": BAD})
    assert result.exit_code == 0
    assert "deep/er/a.mfa.yaml" in result.stdout


def test_quiet_shows_timelines_of_failures_only(run):
    result = run({"a.mfa.yaml": GOOD, "b.mfa.yaml": FAILING}, "--quiet")
    assert result.stdout.count("time (UTC)") == 1
    assert "passed  " in result.stdout


@pytest.mark.parametrize("arguments", [["run"], ["run", "missing.mfa.yaml"], ["fly"]])
def test_wrong_arguments_end_with_2(arguments, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 2
    assert result.stderr


def test_a_folder_without_scenario_files_is_a_mistake(run):
    result = run({"readme.txt": ""})
    assert result.exit_code == 2
    assert "there is no file *.mfa.yaml below" in result.stderr


def test_what_is_not_installed_is_told_in_one_line(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "mfa_simulator.parser", None)
    result = run({"a.mfa.yaml": GOOD})
    assert result.exit_code == 2
    assert (
        result.stderr.splitlines()[-1]
        == "Error: mfa_simulator.parser is missing: install wsgi-mfa[simulator]"
    )


def test_the_help_does_not_load_the_middleware():
    late = "('wsgi_mfa', 'yaml', 'freezegun')"
    code = f"import sys, mfa_simulator.cli; sys.exit(any(name in sys.modules for name in {late}))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
