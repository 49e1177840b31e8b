"""``wsgi-mfa accounts``: what the store knows, on a narrow terminal, and without a secret in it."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from dataclasses import replace

import pytest

from wsgi_mfa.core.commands import ResetBySupport
from wsgi_mfa.core.policy import Policy
from wsgi_mfa.core.totp import code_at, step_at

USER = "user1@example.com"


def words(text):
    return " ".join(text.split())


def test_an_empty_store_says_so(run, database):
    done = run("accounts", "list", "--database", database)
    assert (done.code, done.out, done.err) == (0, "no accounts\n", "")


def test_the_list_names_each_account_with_its_state(run, enrolled, service_at, visit_of, guess):
    with service_at(enrolled) as service:
        service.begin_enrollment(visit_of(service, "user2"))
    done = run("accounts", "list", "--database", enrolled)
    lines = [line.split() for line in done.out.splitlines()]
    assert lines[0] == ["user", "address", "state", "sessions"]
    assert lines[2] == [USER, USER, "enrolled", "1"]
    assert lines[3] == ["user2", "-", "must", "enroll", "0"]
    guess(enrolled, Policy().free_tries)
    assert [USER, USER, "locked", "1"] in [
        line.split() for line in run("accounts", "list", "--database", enrolled).out.splitlines()
    ]


def test_a_list_may_be_taken_page_by_page(run, database, service_at, visit_of):
    with service_at(database) as service:
        for number in range(5):
            service.begin_enrollment(visit_of(service, f"user{number}"))
    done = run("accounts", "list", "--after", "user1", "--limit", "2", "--database", database)
    assert [line.split()[0] for line in done.out.splitlines()[2:]] == ["user2", "user3"]


def test_an_account_is_shown_with_what_the_desk_wants_to_know(run, enrolled):
    done = run("accounts", "show", " USER1@example.com", "--database", enrolled)
    assert (done.code, done.err) == (0, "")
    facts = dict(re.findall(r"^(\S.*?)  +(\S.*?) *$", done.out, re.MULTILINE))
    assert facts["user"] == facts["address"] == USER
    assert facts["state"] == "enrolled"
    assert facts["open sessions"] == "1"
    assert facts["wrong codes"] == "0 in a row, 0 in the rolling budget"
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", facts["phone bound"])
    assert facts["phone's clock"] == "as ours"
    assert facts["recovery code"].endswith("UTC, not stored yet")
    assert "enrollment.begun from 192.0.2.7" in done.out
    assert "enrollment.confirmed from 192.0.2.7" in done.out


@pytest.mark.requirement("R37", "R44")
def test_nothing_that_is_shown_is_a_secret_or_sealed(run, enrolled, service_at):
    with service_at(enrolled) as service:
        account = service.store.load(USER)
        key = service.vault.active_key(account)
        code = service.vault.recovery_copy(USER, account.recovery_code)
    shown = run("accounts", "show", USER, "--database", enrolled).out
    secrets = [key.hex(), code, account.authenticator.sealed_key, account.recovery_code.sealed_digest]
    secrets += [account.sessions[0].id, account.generation, account.revision]
    assert not any(secret in words(shown) for secret in secrets)


@pytest.mark.requirement("R83")
def test_what_others_have_written_has_no_power_over_the_terminal(run, enrolled, service_at, visit_of):
    with service_at(enrolled) as service:
        service.apply(
            visit_of(service),
            ResetBySupport(
                agent="\x1b[2J[bold]edith[/bold]",
                reason="[link=https://evil.example]x\n2026-01-01 00:00:00  sign_in.accepted",
                generation=service.vault.new_id(),
                enrollment_code="-",
            ),
        )
    shown = run("accounts", "show", USER, "--database", enrolled).out
    assert "\x1b" not in shown
    assert r"agent=\x1b[2J[bold]edith[/bold]" in shown
    assert r"[link=https://evil.example]x\n2026-01-01" in shown


@pytest.mark.parametrize("columns", ["80", "40", "200"])
def test_words_are_not_broken_where_they_fit_into_the_terminal(run, enrolled, guess, monkeypatch, columns):
    guess(enrolled, 2)
    monkeypatch.setenv("COLUMNS", columns)
    shown = run("accounts", "show", USER, "--database", enrolled).out
    assert all(len(line) <= int(columns) for line in shown.splitlines())
    if columns == "80":
        assert "code.wrong from 192.0.2.7: counters=code_failures count=2" in shown


def test_an_account_that_is_not_there_is_named(run, database):
    done = run("accounts", "show", "nobody", "--database", database)
    assert (done.code, done.out) == (2, "")
    assert done.err == (f"wsgi-mfa: no account 'nobody' in {database}; wsgi-mfa accounts list names them\n")


def test_a_name_that_no_account_can_have_is_refused_in_one_line(run, database):
    done = run("accounts", "show", "a\nb", "--database", database)
    assert done.code == 2
    assert done.err.count("\n") == 1
    assert "U+000A" in done.err


# What operators do


def sessions_of(run, database):
    done = run("accounts", "sessions", USER, "--database", database)
    return [line.split() for line in done.out.splitlines()[2:]]


def test_open_sessions_are_listed_by_the_beginning_of_their_ids(run, enrolled, service_at):
    with service_at(enrolled) as service:
        (session,) = service.store.load(USER).sessions
    done = run("accounts", "sessions", USER, "--database", enrolled)
    assert done.out.splitlines()[0].split() == ["session", "by", "since", "(UTC)", "last", "used", "(UTC)"]
    (line,) = sessions_of(run, enrolled)
    assert line[:2] == [session.id[:8], "code"]
    assert session.id not in done.out


def test_a_session_is_ended_by_the_beginning_of_its_id(run, enrolled):
    ((beginning, *_),) = sessions_of(run, enrolled)
    wrong = run("accounts", "revoke", USER, "zzzz", "--database", enrolled)
    assert (wrong.code, wrong.out) == (2, "")
    assert "0 open sessions of 'user1@example.com' have an id that begins with 'zzzz'" in wrong.err
    done = run("accounts", "revoke", USER, beginning, "--database", enrolled)
    assert (done.code, done.out, done.err) == (0, "ended: 1 session\n", "")
    assert run("accounts", "sessions", USER, "--database", enrolled).out == "no open sessions\n"


def test_without_a_session_all_are_ended(run, enrolled):
    assert run("accounts", "revoke", USER, "--database", enrolled).out == "ended: 1 session\n"
    assert run("accounts", "revoke", USER, "--database", enrolled).out == "ended: 0 sessions\n"


@pytest.fixture
def remembering(enrolled, tmp_path, service_at, visit_of):
    """A configuration over the database, whose policy remembers browsers, and the id of one that is remembered."""
    config = tmp_path / "mfa.toml"
    config.write_text(
        f'issuer = "Portal"\nstore = "sqlite:///{enrolled}"\nkeys_file = "{enrolled}.keys"\n'
        '[identity]\nkind = "remote-user"\n[policy]\nremembered_browser_days = 14\n'
    )
    with service_at(enrolled) as service:
        service.policy = replace(service.policy, remembered_browser_days=14, steps_ahead=2)
        visit, account = visit_of(service), service.store.load(USER)
        key, phone = service.vault.active_key(account), account.authenticator
        code = code_at(key, step_at(visit.now, period_seconds=30) + 1, phone.parameters)
        service.verify_code(visit, code, remember_as="Firefox on Windows")
        (browser,) = service.store.load(USER).remembered_browsers
    return config, browser.id


@pytest.mark.requirement("R55")
def test_a_remembered_browser_is_listed_and_forgotten_by_the_beginning_of_its_id(run, remembering):
    config, browser_id = remembering
    listed = run("accounts", "sessions", USER, "--config", config).out
    (line,) = (line for line in listed.splitlines() if "Firefox on Windows" in line)
    assert line.split()[0] == browser_id[:8]
    assert browser_id not in listed
    done = run("accounts", "revoke", USER, browser_id[:8], "--config", config)
    assert (done.code, done.out, done.err) == (0, "forgotten: 1 browser\n", "")
    assert "Firefox" not in run("accounts", "sessions", USER, "--config", config).out


@pytest.mark.requirement("R55")
def test_whoever_ends_all_sessions_is_told_of_the_browsers_that_are_forgotten(run, remembering):
    config, _ = remembering
    done = run("accounts", "revoke", USER, "--config", config)
    assert re.fullmatch(r"ended: \d+ sessions?\nforgotten: 1 browser\n", done.out)
    assert run("accounts", "sessions", USER, "--config", config).out == "no open sessions\n"


@pytest.mark.requirement("D33")
def test_a_removed_account_stays_in_the_list_as_removed(run, enrolled):
    done = run("accounts", "remove", USER, "--reason", "left", "--database", enrolled)
    assert (done.code, done.err) == (0, "")
    assert done.out == f"removed: {USER} needs an invitation to enroll again\n"
    assert run("accounts", "list", "--database", enrolled).out.splitlines()[2].split() == [
        USER,
        "-",
        "removed",
        "0",
    ]
    shown = run("accounts", "show", USER, "--database", enrolled).out
    assert "support.removed from console" in shown
    assert "reason=left" in shown
    again = run("accounts", "remove", USER, "--database", enrolled)
    assert (again.code, again.err.count("\n")) == (2, 1)


@pytest.mark.requirement("D33")
def test_an_account_is_renamed_in_one_line(run, enrolled):
    done = run("accounts", "rename", USER, "User2@example.com", "--database", enrolled)
    assert (done.code, done.err) == (0, "")
    assert done.out == f"renamed: {USER} is user2@example.com now\n"
    listed = run("accounts", "list", "--database", enrolled).out.splitlines()[2:]
    assert [line.split()[2] for line in listed] == ["removed", "enrolled"]


@pytest.mark.requirement("D33")
@pytest.mark.parametrize(
    "arguments", [("accounts", "remove", USER), ("support", "reset", "--all", "--reason", "leak")]
)
def test_somebody_at_a_terminal_is_asked_before_anything_is_forgotten(
    run, enrolled, service_at, monkeypatch, arguments
):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setattr("sys.stdin", Terminal("n\n"))
    done = run(*arguments, "--database", enrolled)
    assert done.code == 2
    assert "aborted" in done.err
    with service_at(enrolled) as service:
        assert service.store.load(USER).authenticator is not None
        assert not service.store.invited_only()


# For programs: JSON, filters, pipes.


@pytest.fixture
def five(run, enrolled, service_at, visit_of):
    """The enrolled user, and four who have only begun, one of them with a long name."""
    with service_at(enrolled) as service:
        for name in ("amy", "bea@example.com", "cy", "d" * 150):
            service.begin_enrollment(visit_of(service, name))

    def listed(*options):
        done = run("accounts", "list", *options, "--json", "--database", enrolled)
        assert (done.code, done.err) == (0, "")
        return json.loads(done.out)

    return listed


def test_the_list_is_json_for_programs(five):
    found = five()
    assert [each["user"] for each in found] == ["amy", "bea@example.com", "cy", "d" * 150, USER]
    assert found[-1] == {"user": USER, "address": USER, "state": "enrolled", "sessions": 1}


@pytest.mark.parametrize(
    ("options", "users"),
    [
        (["--state", "enrolled"], [USER]),
        (["--state", "locked"], []),
        (["--search", "EXAMPLE"], ["bea@example.com", USER]),
        (["--search", "example", "--state", "must enroll"], ["bea@example.com"]),
        (["--search", "c", "--limit", "1"], ["bea@example.com"]),
        (["--state", "must enroll", "--after", "cy"], ["d" * 150]),
    ],
)
def test_the_list_is_filtered(five, options, users):
    if options[0] == "--search" and "c" in options:
        users = [each["user"] for each in five() if "c" in each["user"]][:1]
    assert [each["user"] for each in five(*options)] == users


def test_a_pipe_gets_each_name_whole(five, run, enrolled, monkeypatch):
    monkeypatch.delenv("COLUMNS")
    done = run("accounts", "list", "--database", enrolled)
    assert f"{'d' * 150}" in done.out
    assert len(done.out.splitlines()) == 7


def test_one_account_and_its_sessions_are_json(run, enrolled):
    shown = json.loads(run("accounts", "show", USER, "--json", "--database", enrolled).out)
    assert (shown["user"], shown["state"]) == (USER, "enrolled")
    assert shown["events"][0]["kind"] == "enrollment.begun"
    (session,) = json.loads(run("accounts", "sessions", USER, "--json", "--database", enrolled).out)[
        "sessions"
    ]
    assert (session["method"], len(session["session"])) == ("code", 8)


def test_a_bound_without_an_end_is_told_in_words(run, database):
    done = run("audit", "prune", "--days", "0", "--database", database)
    assert done.code == 2
    assert "None" not in done.err


def test_control_characters_of_a_user_do_not_reach_the_terminal(run, database):
    done = run("accounts", "show", "a\x1b]0;x\x07", "--database", database)
    assert done.code != 0
    assert "\x1b" not in done.err + done.out


def test_letters_that_a_console_lacks_are_escaped(enrolled, service_at, visit_of):
    with service_at(enrolled) as service:
        service.begin_enrollment(visit_of(service, "žofie"))
    done = subprocess.run(
        [sys.executable, "-m", "wsgi_mfa", "accounts", "list", "--database", str(enrolled)],
        capture_output=True,
        check=True,
        env={"PYTHONIOENCODING": "ascii", "PATH": os.environ["PATH"]},
    )
    assert b"\\u017eofie" in done.stdout
