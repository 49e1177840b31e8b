"""The commands that look at files, verbs and the format without judging a run."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from mfa_simulator.cli import main
from mfa_simulator.language.format.examples import EXAMPLES, example_file
from mfa_simulator.language.format.verbs import BY_NAME
from mfa_simulator.language.parser import parse
from mfa_simulator.language.schema import schema_text
from mfa_simulator.play.running import play
from mfa_simulator.play.timeline import timeline
from mfa_simulator.problems import RULES
from mfa_simulator.world.clocks import frozen_wall_clock

pytestmark = pytest.mark.any_python

GOOD = "scenario: Good\nsteps:\n  - visit: {browser: a}\n"
BAD = "scenario: Bad\nsteps:\n  - visitt: {browser: a}\n  - wait: 5\n"


@pytest.fixture
def check(tmp_path, monkeypatch):
    """``check(style)``: check a good and a bad file, give the exit code and what is printed."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad.mfa.yaml").write_text(BAD, encoding="utf-8")
    (tmp_path / "good.mfa.yaml").write_text(GOOD, encoding="utf-8")

    def invoke(*arguments):
        result = CliRunner().invoke(main, ["check", *arguments])
        return result.exit_code, result.stdout

    return invoke


def test_a_good_file_ends_with_0(check):
    assert check("good.mfa.yaml") == (0, "1 checked, 0 bad, 0 problems\n")


def test_all_problems_are_told_with_their_rule_and_end_with_2(check):
    code, text = check(".")
    assert code == 2
    assert 'bad.mfa.yaml:3:5: no verb "visitt". Did you mean "visit"? [unknown-verb]' in text
    assert "[duration]\n      - wait: 5\n              ^\n" in text
    assert text.endswith("2 checked, 1 bad, 2 problems\n")


def test_programs_get_json(check):
    code, text = check(".", "--format", "json")
    told = json.loads(text)
    assert (code, told["files"]) == (2, 2)
    assert [(item["line"], item["column"], item["rule"]) for item in told["problems"]] == [
        (3, 5, "unknown-verb"),
        (4, 11, "duration"),
    ]


def test_github_gets_annotations_on_one_line_each(check):
    _, text = check(".", "--format", "github")
    first, second = text.splitlines()
    assert first.startswith("::error file=bad.mfa.yaml,line=3,col=5,title=mfa-sim unknown-verb::no verb")
    assert "line=4,col=11" in second


def test_scanners_get_sarif(check):
    _, text = check(".", "--format", "sarif")
    log = json.loads(text)
    (run,) = log["runs"]
    assert log["version"] == "2.1.0"
    assert {rule["id"] for rule in run["tool"]["driver"]["rules"]} == set(RULES)
    assert run["results"][0]["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "bad.mfa.yaml"},
        "region": {"startLine": 3, "startColumn": 5},
    }


def test_explain_plays_on_after_what_would_fail_and_judges_nothing(tmp_path):
    path = tmp_path / "a.mfa.yaml"
    path.write_text(GOOD + "    expect: {outcome: locked}\n  - wait: 1m\n", encoding="utf-8")
    result = CliRunner().invoke(main, ["explain", str(path)])
    assert result.exit_code == 0
    assert "FAILED" not in result.stdout
    assert "sign_in_required" in result.stdout
    assert "wait 1m" in result.stdout


def test_the_schema_is_printed():
    assert CliRunner().invoke(main, ["schema"]).stdout == schema_text()


def test_every_verb_is_listed_and_has_a_page():
    listed = CliRunner().invoke(main, ["verbs"]).stdout.splitlines()
    assert [line.split()[0] for line in listed] == list(BY_NAME) == sorted(EXAMPLES, key=list(BY_NAME).index)
    page = CliRunner().invoke(main, ["verbs", "sign_in"]).stdout
    assert "without expect it must end in signed_in" in page
    assert page.endswith(example_file("sign_in"))
    assert CliRunner().invoke(main, ["verbs", "fly"]).exit_code == 2


@pytest.mark.parametrize("verb", BY_NAME)
def test_the_example_of_a_verb_goes_as_it_says(verb):
    (scenario,) = parse(example_file(verb), file="x")
    assert verb in {step.verb for step in scenario.steps}
    with frozen_wall_clock(scenario.start) as wall:
        played = play(scenario, wall)
    assert not played.failed, timeline(played)
