"""``wsgi-mfa support``: what the desk types and reads."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from wsgi_mfa.clock import SystemClock
from wsgi_mfa.core.policy import Policy

USER = "user1@example.com"


@pytest.fixture
def support(run, enrolled):
    """``support("reset", email=...)``: the desk's command on the database, about the one user."""

    def call(action, *more, user=USER, email=USER, reason="lost the phone"):
        return run(
            "support", action, user, "--email", email, "--reason", reason, *more, "--database", enrolled
        )

    return call


@pytest.mark.requirement("R45", "R44")
def test_a_reset_says_what_it_did_in_one_line(support, enrolled, service_at):
    done = support("reset")
    assert (done.code, done.out, done.err) == (0, f"reset: {USER} must enroll anew\n", "")
    with service_at(enrolled) as service:
        account = service.store.load(USER)
        (event,) = [event for event in service.store.events(USER) if event.kind == "support.reset"]
    assert account.authenticator is None
    assert account.sessions == ()
    details = dict(event.details)
    assert details["reason"] == "lost the phone"
    assert details["agent"].startswith("console:")


@pytest.mark.requirement("D15")
def test_a_reset_after_wrong_codes_prints_a_code_for_the_caller(support, enrolled, guess):
    guess(enrolled, 1)
    done = support("reset")
    first, second = done.out.splitlines()
    assert first.startswith(f"reset: {USER} must enroll anew, and is asked for the enrollment code below.")
    assert "within 10 minutes" in first
    assert "password must be changed first" in first
    assert re.fullmatch(r"enrollment code: \w{4}-\w{4}-\w{4}", second)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"email": "other@example.com"}, "the e-mail address does not match"),
        ({"email": ""}, "the e-mail address does not match"),
        ({"user": "nobody@example.com"}, "nobody has signed in as 'nobody@example.com' yet"),
        ({"user": ""}, "cannot name an account"),
        ({"reason": "  "}, "reason must be one line"),
        ({"reason": "lost\nphone"}, "reason must be one line"),
    ],
)
@pytest.mark.requirement("R44")
def test_what_is_refused_is_told_with_exit_1_and_changes_nothing(
    support, enrolled, service_at, settings, said
):
    with service_at(enrolled) as service:
        before = service.store.load(USER)
    done = support("reset", **settings)
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("refused: ")
    assert done.err.count("\n") == 1
    assert said in done.err
    with service_at(enrolled) as service:
        assert service.store.load(USER) == before


@pytest.mark.requirement("R46")
def test_nobody_resets_their_own_account(support):
    done = support("reset", "--agent", "USER1@example.com")
    assert (done.code, done.err) == (1, "refused: nobody resets or unlocks their own account\n")


@pytest.mark.requirement("D47")
def test_an_unlock_prints_the_code_for_the_caller(support, enrolled, guess):
    guess(enrolled, Policy().free_tries)
    done = support("unlock", reason="called from the office")
    told, code = done.out.splitlines()
    assert done.code == 0
    assert told.startswith(f"unlocked: {USER} gives the unlock code below")
    assert re.fullmatch("unlock code: [0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}", code)


@pytest.mark.requirement("D47")
def test_a_user_without_a_phone_is_not_unlocked(support):
    support("reset")
    done = support("unlock")
    assert (done.code, done.err) == (1, f"refused: '{USER}' has no phone to be locked out of\n")


def test_a_user_may_be_spelt_as_people_spell_it(support):
    done = support("reset", user=" User1@EXAMPLE.com ", email="USER1@example.COM")
    assert done.out == f"reset: {USER} must enroll anew\n"


@pytest.mark.parametrize("keys", ['keys_env = "MY_KEYS"', 'keys_file = "{enrolled}.keys"'])
def test_a_file_of_configuration_serves_as_well(run, enrolled, tmp_path, monkeypatch, keys):
    ring = enrolled.with_name("mfa.db.keys").read_text().strip()
    monkeypatch.setenv("MY_KEYS", ring)
    config = tmp_path / "mfa.toml"
    config.write_text(
        f'issuer = "Client Portal"\nstore = "sqlite:///{enrolled}"\n{keys.format(enrolled=enrolled)}\n'
        '[identity]\nkind = "remote-user"\n'
    )
    done = run("support", "reset", USER, "--email", USER, "--reason", "lost", "--config", config)
    assert (done.code, done.out, done.err) == (0, f"reset: {USER} must enroll anew\n", "")


def test_keys_are_named_in_one_place(run, enrolled, tmp_path):
    config = tmp_path / "mfa.toml"
    config.write_text('issuer = "P"\nstore = "sqlite:///x"\nkeys_env = "A"\nkeys_file = "b"\n')
    done = run("support", "unlock", USER, "--email", USER, "--reason", "x", "--config", config)
    assert (done.code, done.out) == (2, "")
    assert "keys_file stands beside keys_env: legal is one of them" in done.err


# Two agents


@pytest.mark.requirement("R46")
def test_where_two_agents_are_needed_the_second_one_resets(run, enrolled, tmp_path):
    config = tmp_path / "mfa.toml"
    config.write_text(
        f'issuer = "P"\nstore = "sqlite:///{enrolled}"\nkeys_file = "{enrolled}.keys"\n'
        '[identity]\nkind = "remote-user"\n[policy]\nreset_agents = 2\n'
    )
    options = ("support", "reset", USER, "--email", USER, "--reason", "lost", "--config", config)
    first = run(*options, "--agent", "anna")
    assert (first.code, first.out) == (1, "")
    assert first.err == f"refused: '{USER}' is reset when another agent asks for it too, within 10 minutes\n"
    assert run(*options, "--agent", "anna").code == 1
    second = run(*options, "--agent", "boris")
    assert (second.code, second.out) == (0, f"reset: {USER} must enroll anew\n")


# Clocks


@pytest.fixture
def drifted(enrolled, service_at):
    """The database, in which the user's phone was learned to be a step fast."""
    with service_at(enrolled) as service:
        account = service.store.load(USER)
        phone = replace(
            account.authenticator,
            drift_steps=1,
            drift_at=1_772_442_000_000_000,
        )  # 2026-03-02, nine o'clock
        service.save(replace(account, authenticator=phone, revision="f" * 32), (), expected=account.revision)
    return enrolled


@pytest.mark.requirement("D18")
def test_what_was_learned_of_a_users_clock_can_be_forgotten(run, drifted):
    options = ("--email", USER, "--reason", "our clock was wrong", "--database", drifted)
    done = run("support", "forget-drift", USER, *options)
    assert (done.code, done.out) == (0, f"forgotten: {USER}, its phone's clock counts as right\n")
    again = run("support", "forget-drift", USER, *options)
    assert again.out == f"forgotten: {USER}, nothing was learned of its clock\n"


@pytest.mark.requirement("D18")
def test_what_was_learned_of_all_clocks_since_an_instant_can_be_forgotten(run, drifted):
    options = ("--all", "--reason", "our clock was wrong", "--database", drifted)
    kept = run("support", "forget-drift", "--since", "2026-03-02T09:00:01Z", *options)
    assert (kept.code, kept.out) == (0, "forgotten: the clock of 0 phones\n")
    assert (
        run("support", "forget-drift", "--since", "2026-03-02", *options).out
        == "forgotten: the clock of 1 phone\n"
    )
    assert run("support", "forget-drift", *options).out == "forgotten: the clock of 0 phones\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--all", USER), "--all takes neither USER nor --email"),
        ((USER, "--email", USER, "--since", "2026-03-02"), "--since goes with --all"),
        ((), "Missing argument 'USER'"),
        ((USER,), "Missing option '--email'"),
    ],
)
def test_whose_clock_is_meant_must_be_clear(run, enrolled, arguments, said):
    done = run("support", "forget-drift", *arguments, "--reason", "x", "--database", enrolled)
    assert (done.code, done.out) == (2, "")
    assert said in done.err


# Everybody, and newcomers


@pytest.mark.requirement("D33")
def test_a_reset_of_all_is_one_line_and_asks_everybody_for_an_invitation(
    run, enrolled, service_at, monkeypatch
):
    monkeypatch.setattr(SystemClock, "sleep", lambda self, seconds: None)
    done = run("support", "reset", "--all", "--reason", "keys leaked", "--database", enrolled)
    assert (done.code, done.err) == (0, "")
    assert done.out == "reset: 1 account; each needs an invitation to enroll anew\n"
    with service_at(enrolled) as service:
        assert service.store.load(USER).authenticator is None
        assert service.store.invited_only()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--all",), "Missing option '--reason'"),
        ((USER, "--all", "--reason", "x"), "--all takes neither USER nor --email"),
        (("--all", "--email", USER, "--reason", "x"), "--all takes neither USER nor --email"),
        (("--reason", "x"), "Missing argument 'USER'"),
        ((USER, "--reason", "x"), "Missing option '--email'"),
        ((USER, "--email", USER), "Missing option '--reason'"),
    ],
)
def test_a_reset_says_what_it_lacks_and_does_nothing(run, enrolled, service_at, arguments, said):
    done = run("support", "reset", *arguments, "--database", enrolled)
    assert (done.code, done.out) == (2, "")
    assert said in done.err
    with service_at(enrolled) as service:
        assert service.store.load(USER).authenticator is not None


@pytest.mark.requirement("R41", "D33")
def test_an_invitation_prints_a_code_for_a_newcomer(run, enrolled):
    guest = "guest@example.com"
    done = run(
        *("support", "invite", guest, "--email", guest, "--reason", "new here"), "--database", enrolled
    )
    assert (done.code, done.err) == (0, "")
    first, second = done.out.splitlines()
    assert first.startswith(f"invited: {guest} is asked for the enrollment code below")
    assert re.fullmatch(r"enrollment code: \w{4}-\w{4}-\w{4}", second)


def test_who_has_a_phone_is_not_invited(run, enrolled):
    done = run("support", "invite", USER, "--email", USER, "--reason", "x", "--database", enrolled)
    assert (done.code, done.out) == (1, "")
    assert done.err == f"refused: {USER!r} has a phone: reset the account instead\n"
