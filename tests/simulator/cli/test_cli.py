"""The command."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys

import pytest
from click.testing import CliRunner

from mfa_simulator.cli import main

pytestmark = pytest.mark.any_python

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


def test_of_several_only_those_that_failed_have_a_timeline(run):
    result = run({"a.mfa.yaml": GOOD, "b.mfa.yaml": FAILING})
    assert result.stdout.count("time (UTC)") == 1
    assert "passed  " in result.stdout


@pytest.mark.parametrize(
    ("option", "files", "timelines"), [("--quiet", 1, 0), ("--quiet", 2, 0), ("--verbose", 2, 2)]
)
def test_how_much_is_shown_is_a_matter_of_options(run, option, files, timelines):
    result = run({f"{number}.mfa.yaml": GOOD for number in range(files)}, option)
    assert result.stdout.count("time (UTC)") == timelines
    assert result.stdout.count("passed  ") == files


def test_the_bar_of_a_terminal_leaves_the_lines_as_they_are(tmp_path):
    title = "A title that is as long as it takes to be wider than any terminal, " * 3
    for name in ("a", "b"):
        text = GOOD.replace("Good", title + name)
        (tmp_path / f"{name}.mfa.yaml").write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "mfa_simulator", "run", "-q", str(tmp_path)]
    shown = on_a_terminal(command)
    assert f"passed  {tmp_path / 'a.mfa.yaml'}  {title}a" in shown
    assert "playing" in shown
    assert "1/2" in shown
    assert shown.rstrip().endswith("2 passed, 0 failed")
    piped = subprocess.run(command, capture_output=True, check=True, text=True)
    assert "playing" not in piped.stdout + piped.stderr


def on_a_terminal(command):
    """What a command shows on a terminal, without the codes for colours and for the cursor."""
    ours, theirs = os.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "80"}
    with subprocess.Popen(command, stdout=theirs, stderr=theirs, env=environment) as process:
        os.close(theirs)
        shown = b""
        # The end of a terminal is an error on Linux.
        with contextlib.suppress(OSError):
            while more := os.read(ours, 65536):
                shown += more
        assert process.wait() == 0
    os.close(ours)
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.decode()).replace("\r", "")


def test_a_line_is_where_a_run_stops(run):
    two = GOOD + "  - visit: {browser: b}\n"
    result = run({"a.mfa.yaml": two}, "--until", "4")
    assert result.exit_code == 0
    assert "    browser a: status 200, sign_in_required" in result.stdout
    assert "browser b" not in result.stdout


@pytest.mark.parametrize(
    ("files", "line", "told"),
    [
        (["a"], "2", "--until: the first step of {folder}/a.mfa.yaml begins at line 3"),
        (["a", "b"], "3", "--until is for one file, and these are 2"),
    ],
)
def test_a_line_that_is_none_of_a_step_is_a_mistake(run, tmp_path, files, line, told):
    result = run({f"{name}.mfa.yaml": GOOD for name in files}, "--until", line)
    assert result.exit_code == 2
    assert told.format(folder=tmp_path) in result.stderr


def test_what_differs_between_two_plays_ends_with_4(run, monkeypatch):
    assert run({"a.mfa.yaml": GOOD}, "--twice").exit_code == 0
    told = ("a.mfa.yaml:3: request 1 of this step differs", "first:  1", "second: 2")
    monkeypatch.setattr("mfa_simulator.play.batch.first_difference", lambda first, second: told)
    result = run({"a.mfa.yaml": GOOD}, "--twice")
    assert result.exit_code == 4
    assert "NOT DETERMINISTIC  a.mfa.yaml:3: request 1 of this step differs\n    first:  1\n" in result.stdout
    assert result.stdout.endswith("1 passed, 0 failed, 1 not deterministic\n")


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_portal_that_cannot_be_imported_ends_with_2(run, jobs):
    files = {"a.mfa.yaml": GOOD, "b.mfa.yaml": GOOD}
    result = run(files, "--app", "nothing_of_this_name:make", "-j", jobs)
    assert result.exit_code == 2
    assert result.stderr == (
        "Error: --app: the module nothing_of_this_name cannot be imported: ModuleNotFoundError:"
        " No module named 'nothing_of_this_name'\n"
    )


def test_a_run_goes_around_the_portal_of_a_factory(run):
    result = run({"a.mfa.yaml": GOOD}, "--app", "legacy_portals:make_portal")
    assert result.exit_code == 0


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
    monkeypatch.setitem(sys.modules, "mfa_simulator.language.parser", None)
    result = run({"a.mfa.yaml": GOOD})
    assert result.exit_code == 2
    assert (
        result.stderr.splitlines()[-1]
        == "Error: mfa_simulator.language.parser is missing: install wsgi-mfa[simulator]"
    )


@pytest.mark.parametrize("arguments", [["-h"], ["run", "-h"], ["leaks", "--help"]])
def test_help_has_a_short_and_a_long_name(arguments):
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0
    assert "-h, --help" in result.stdout


def test_the_help_does_not_load_the_middleware():
    late = "('wsgi_mfa', 'yaml', 'freezegun')"
    code = f"import sys, mfa_simulator.cli; sys.exit(any(name in sys.modules for name in {late}))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_reports_go_to_files_in_folders_that_are_made(run, tmp_path):
    out = tmp_path / "out"
    options = ("--junit-xml", out / "a.xml", "--ndjson", out / "a.ndjson", "--html", out / "deep" / "a.html")
    result = run({"a.mfa.yaml": GOOD, "b.mfa.yaml": FAILING, "c.mfa.yaml": BAD}, *map(str, options))
    assert result.exit_code == 2
    assert (
        '<testsuites name="mfa-sim" tests="3" failures="1" errors="1" time="' in (out / "a.xml").read_text()
    )
    assert (
        '"passed": 1, "failed": 1, "broken": 0, "error": 0, "bad_files": 1' in (out / "a.ndjson").read_text()
    )
    assert "b.mfa.yaml:3</a>" in (out / "deep" / "a.html").read_text()


def test_reports_are_the_same_from_several_processes(run, tmp_path):
    for jobs in ("1", "2"):
        run({"a.mfa.yaml": GOOD, "b.mfa.yaml": FAILING}, "-j", jobs, "--html", str(tmp_path / f"{jobs}.html"))
    assert (tmp_path / "1.html").read_bytes() == (tmp_path / "2.html").read_bytes()


def test_a_report_that_cannot_be_written_is_named(run, tmp_path):
    (tmp_path / "file").write_text("")
    result = run({"a.mfa.yaml": GOOD}, "--html", str(tmp_path / "file" / "a.html"))
    assert result.exit_code == 2
    assert "--html" in result.stderr


def test_update_fills_in_what_happened_and_then_judges(run, tmp_path):
    result = run({"a.mfa.yaml": FAILING, "b.mfa.yaml": BAD}, "--update")
    assert result.exit_code == 2
    assert f"updated  {tmp_path / 'a.mfa.yaml'}  1 step\n" in result.stdout
    assert result.stdout.endswith("1 passed, 0 failed, 1 bad file\n")
    expected = FAILING + "    expect: {outcome: sign_in_required}\n"
    assert (tmp_path / "a.mfa.yaml").read_text() == expected


def test_update_leaves_what_cannot_be_filled_in_and_the_byte_order_mark(run, tmp_path):
    text = "\ufeff" + FAILING + "  - back: {browser: a}\n"
    result = run({"a.mfa.yaml": text}, "--update")
    assert result.exit_code == 1
    assert "a.mfa.yaml:4: not filled in: the browser a has no page to go back to" in result.stderr
    assert (tmp_path / "a.mfa.yaml").read_bytes().startswith(b"\xef\xbb\xbfscenario")


def test_annotations_are_printed_when_they_are_asked_for(run, tmp_path):
    result = run({"b.mfa.yaml": FAILING}, "--github")
    line = f"::error file={tmp_path}/b.mfa.yaml,line=3,title=Failing::outcome: expected welcome, got sign_in_required"
    assert line in result.stdout.splitlines()
