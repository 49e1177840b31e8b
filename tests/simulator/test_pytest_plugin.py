"""The pytest plugin, in sessions of pytest of its own."""

from __future__ import annotations

import sys
import textwrap
from importlib.metadata import entry_points

import pytest

from mfa_simulator.language.parser import parse
from mfa_simulator.play.running import play
from mfa_simulator.world.clocks import frozen_wall_clock

pytestmark = pytest.mark.any_python

GOOD = """\
# Why: an example.
scenario: A code is good once
tags: [smoke, slow network]
users:
  user1: {password: correct horse, email: user1@example.com, phones: {pixel: }}
steps:
  - enroll: {user: user1, browser: laptop, phone: pixel}
  - sign_in: {user: user1, browser: tablet, phone: pixel}
    expect: {outcome: used_code}
"""
FAILING = GOOD.replace("used_code", "signed_in")
BAD = GOOD.replace("sign_in:", "sign_inn:").replace("outcome:", "outcom:")
MATRIX = "matrix:\n  policy.steps_back: [0, 1]\n" + GOOD
USERS = 'users={"user1": {"password": "correct horse", "email": "u@example.com", "phones": {"pixel": None}}}'
INSTALLED = any(point.name == "mfa_simulator" for point in entry_points(group="pytest11"))
PLUGIN = () if INSTALLED else ("-p", "mfa_simulator.pytest_plugin")


@pytest.fixture(scope="module")
def everything_imported():
    """A session inside this one forgets what it imported, and not all libraries can be imported twice."""
    (scenario,) = parse(GOOD, file="once.mfa.yaml")
    with frozen_wall_clock(scenario.start) as wall:
        assert not play(scenario, wall).failed


@pytest.fixture
def session(pytester, everything_imported):
    """``session(files, *arguments)``: run pytest on files, with warnings as errors and unknown marks refused."""

    def run(files, *arguments):
        for name, text in files.items():
            path = pytester.path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(text), encoding="utf-8")
        strict = ("--strict-markers", "-W", "error", "-p", "no:cacheprovider")
        return pytester.runpytest_inprocess(*PLUGIN, *strict, *arguments)

    return run


def test_a_scenario_file_is_a_test_named_by_its_title(session):
    result = session({"deep/er/once.mfa.yaml": GOOD, "other.yaml": GOOD}, "-v")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["deep/er/once.mfa.yaml::A code is good once PASSED*"])


def test_each_row_of_a_matrix_is_a_test_and_can_be_chosen_by_its_name(session, pytester):
    result = session({"once.mfa.yaml": MATRIX}, "-v")
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["*::A code is good once [[]policy.steps_back=0[]] PASSED*"])
    chosen = session({}, "once.mfa.yaml::A code is good once [policy.steps_back=1]")
    chosen.assert_outcomes(passed=1)


def test_a_test_stands_at_the_line_of_its_title(pytester):
    path = pytester.path / "once.mfa.yaml"
    path.write_text(MATRIX, encoding="utf-8")
    items, _ = pytester.inline_genitems(*PLUGIN, "--strict-markers")
    assert [item.reportinfo()[:2] for item in items] == [(path, 3), (path, 3)]


def test_a_failure_shows_expectation_difference_and_timeline_and_no_traceback(session):
    result = session({"once.mfa.yaml": FAILING})
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "  time (UTC) *in step *phone *who *what *outcome",
            "*user1/tablet/pixel *sign_in *used_code*",
            "    FAILED once.mfa.yaml:9: outcome: expected signed_in, got used_code",
            "      POST /mfa/verify 422 *",
            "FAILED once.mfa.yaml::A code is good once - outcome: expected signed_in, g*",
        ]
    )
    result.stdout.no_fnmatch_line("*Traceback*")
    result.stdout.no_fnmatch_line("*.py*Error*")
    result.stdout.no_fnmatch_line("*Captured*")


def test_what_the_middleware_warns_of_is_captured_beside_the_timeline(session):
    unavailable = "  - store_fails: {for: 20s}\n  - visit: {browser: laptop}\n"
    result = session({"once.mfa.yaml": GOOD + unavailable})
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*FAILED once.mfa.yaml:11: *", "*Captured log call*", "ERROR *wsgi_mfa*"])
    result.stdout.no_fnmatch_line("INFO *")


def test_tools_that_ask_for_the_place_of_a_failure_get_the_line_of_the_file(session):
    result = session({"once.mfa.yaml": FAILING}, "--tb=line")
    result.stdout.fnmatch_lines(["*once.mfa.yaml:9: outcome: expected signed_in, got used_code"])


def test_a_bad_file_is_an_error_that_lists_all_its_problems(session):
    result = session({"bad.mfa.yaml": BAD, "once.mfa.yaml": GOOD}, "--continue-on-collection-errors")
    result.assert_outcomes(errors=1, passed=1)
    result.stdout.fnmatch_lines(
        [
            'bad.mfa.yaml:8:5: no verb "sign_inn". Did you mean "sign_in"? [[]unknown-verb[]]',
            "      - sign_inn: *",
            "        ^",
        ]
    )


def test_tags_are_marks_that_need_no_registration(session):
    files = {"once.mfa.yaml": GOOD, "twice.mfa.yaml": GOOD.replace("smoke", "nightly")}
    session(files, "-m", "smoke").assert_outcomes(passed=1, deselected=1)
    session({}, "-m", "slow_network and not smoke").assert_outcomes(passed=1, deselected=1)


def test_tags_that_pytest_knows_mean_what_they_mean_to_it(session):
    files = {
        "skipped.mfa.yaml": GOOD.replace("smoke", "skip"),
        "known.mfa.yaml": FAILING.replace("smoke", "xfail"),
        "plain.mfa.yaml": GOOD.replace("smoke", "parametrize"),
    }
    session(files).assert_outcomes(skipped=1, xfailed=1, passed=1)


def test_workers_of_xdist_share_the_tests(session):
    pytest.importorskip("xdist")
    files = {f"{number}.mfa.yaml": MATRIX for number in range(3)}
    result = session({**files, "failing.mfa.yaml": FAILING}, "-n", "2")
    result.assert_outcomes(passed=6, failed=1)
    result.stdout.fnmatch_lines(["*FAILED failing.mfa.yaml::*outcome: expected*"])


def test_without_the_extra_a_scenario_file_says_so_in_one_line(session, monkeypatch):
    monkeypatch.setitem(sys.modules, "mfa_simulator.language.parser", None)
    monkeypatch.setitem(sys.modules, "mfa_simulator.story", None)
    result = session(
        {"once.mfa.yaml": GOOD, "test_story.py": "def test_a(mfa_sim): ...\n"},
        "--continue-on-collection-errors",
    )
    result.assert_outcomes(errors=2)
    needs = "mfa_simulator.language.parser: install wsgi-mfa[[]simulator[]]"
    result.stdout.fnmatch_lines(
        [f"once.mfa.yaml: scenario files need {needs}", "the fixture mfa_sim needs mfa_simulator.story:*"]
    )


def test_a_session_without_scenario_files_loads_nothing(pytester):
    pytester.makepyfile("def test_a(): pass\n")
    pytester.makeconftest(
        """
        import sys

        def pytest_sessionfinish():
            late = {"yaml", "freezegun", "wsgi_mfa", "mfa_simulator.language.parser", "mfa_simulator.story"}
            assert "mfa_simulator.pytest_plugin" in sys.modules
            assert not late & set(sys.modules)
        """
    )
    pytester.runpytest_subprocess(*PLUGIN).assert_outcomes(passed=1)


STORY = f"""
import time

USERS = dict({USERS})


def test_a_story(mfa_sim):
    mfa_sim.begin(**USERS, start="2030-05-01T12:00:00Z", policy={{"steps_back": 0}})
    assert mfa_sim.enroll(user="user1", browser="laptop", phone="pixel").recovery_code_shown
    mfa_sim.wait("1m")
    mfa_sim.read_code(phone="pixel", as_="seen")
    mfa_sim.sign_in(user="user1", browser="tablet", code="seen")
    mfa_sim.replay_code(user="user1", browser="thief", from_="tablet", expect={{"outcome": "used_code"}})
    assert time.strftime("%Y-%m-%d %H:%M", time.gmtime()) == "2030-05-01 12:01"
    assert mfa_sim.now.isoformat() == "2030-05-01T12:01:10+00:00"
    assert len(mfa_sim.account("user1").sessions) == 2
    assert "replay_code" in mfa_sim.timeline


def test_a_step_that_comes_to_something_else(mfa_sim):
    mfa_sim.begin(**USERS)
    mfa_sim.sign_in(user="user1", browser="laptop", phone="pixel")


def test_a_mistake(mfa_sim):
    mfa_sim.begin(**USERS)
    mfa_sim.enroll(user="user2", browser="laptop", phone="pixel")


def test_an_unknown_verb(mfa_sim):
    mfa_sim.enrol(user="user1")
"""


def test_the_fixture_tells_a_story_and_shows_where_in_the_test_it_failed(session):
    result = session({"test_story.py": STORY}, "--show-capture=no")
    result.assert_outcomes(passed=1, failed=3)
    result.stdout.fnmatch_lines(
        [
            ">       mfa_sim.sign_in(user=*",
            "E *StoryError: outcome: expected signed_in, got must_enroll",
            "E *FAILED test_story.py:22: outcome: expected signed_in, got must_enroll",
            'E *StoryError: no user "user2" in this file; there is: user1. Did you mean "user1"?',
            'E *AttributeError: no verb "enrol". Did you mean "enroll"?*',
        ]
    )
    result.stdout.no_fnmatch_line("*story.py:*in _act*")


PORTAL = """
from legacy_portals import make_portal
from wsgi_mfa import FlaskSession
from mfa_simulator.world.portal import Portal

made = []


def factory(users, secret_key):
    made.append(sorted(users))
    application = make_portal(users, secret_key)
    return Portal(application=application, identity=FlaskSession(secret_key, cookie="session", user_key="_user_id"))
"""


def test_the_portal_comes_from_the_configuration(session, pytester):
    pytester.makeini("[pytest]\nmfa_sim_app = someportal:factory\n")
    story = f"def test_a(mfa_sim):\n    mfa_sim.begin({USERS})\n"
    check = "def test_b():\n    import someportal\n    assert someportal.made[0] == ['user1']\n"
    files = {"someportal.py": PORTAL, "once.mfa.yaml": GOOD, "test_story.py": f"{story}\n{check}"}
    session(files).assert_outcomes(passed=3)


def test_the_portal_comes_from_a_fixture_that_may_need_others(session):
    conftest = """
    import pytest
    import someportal

    @pytest.fixture
    def mfa_sim_app(tmp_path):
        yield someportal.factory
        (tmp_path / "used").write_text("yes")

    def pytest_sessionfinish():
        assert someportal.made
    """
    session({"someportal.py": PORTAL, "conftest.py": conftest, "once.mfa.yaml": GOOD}).assert_outcomes(
        passed=1
    )


def test_a_portal_that_cannot_be_made_is_told_in_one_line(session, pytester):
    pytester.makeini("[pytest]\nmfa_sim_app = nowhere:factory\n")
    result = session({"once.mfa.yaml": GOOD})
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["mfa_sim_app: the module nowhere cannot be imported: ModuleNotFoundError: No module named 'nowhere'"]
    )
    result.stdout.no_fnmatch_line("*Traceback*")
