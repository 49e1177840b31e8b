"""App passwords: their form, what makes and ends them, and where they are good for (D50)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsgi_mfa.core import app_passwords, commands
from wsgi_mfa.core.account import Account, AppPassword, Authenticator, KeyParameters, Method, Session
from wsgi_mfa.core.authentication_state import authentication_state
from wsgi_mfa.core.codec import ACCOUNT_CODEC
from wsgi_mfa.core.commands import Origin
from wsgi_mfa.core.context import Context
from wsgi_mfa.core.decision import Outcome, Reason
from wsgi_mfa.core.engine import decide
from wsgi_mfa.core.enrollment import asked_about
from wsgi_mfa.core.instants import DAY, HOUR, SECOND
from wsgi_mfa.core.policy import Policy
from wsgi_mfa.core.recovery_codes import ALPHABET

pytestmark = [pytest.mark.requirement("D50"), pytest.mark.any_python]

NOW = 1_772_442_000 * SECOND
CODES = st.text(ALPHABET, min_size=24, max_size=24)
CODE = "0123456789ABCDEFGHJKMNPQ"
OTHER = "QPNMKJHGFEDCBA9876543210"
ORIGIN = Origin(browser="b", next_browser="n", login="login", session_id="s", source="192.0.2.7")
KEY = Authenticator(
    id="a",
    sealed_key="sealed",
    parameters=KeyParameters(algorithm="SHA1", digits=6, period_seconds=30),
    confirmed_at=NOW,
    last_step=1,
)
SESSION = Session(id="s", browser="b", login="login", method=Method.CODE, verified_at=NOW, seen_at=NOW)
ENROLLED = Account(user="ann", generation="g", revision="r", authenticator=KEY, sessions=(SESSION,))


def at(now: int) -> Context:
    return Context(now=now, policy=Policy())


def made(account=ENROLLED, *, now=NOW, code=CODE, **settings):
    wish = {"id": "i", "name": "calendar", "path": "/cal", "days": 30, **settings}
    command = commands.MakeAppPassword(
        origin=ORIGIN, digest=app_passwords.digest_of(account.user, code), **wish
    )
    return decide(account, command, at(now))


# The form


@given(CODES)
def test_what_is_written_is_read_again_in_any_case_and_without_hyphens(code):
    text = app_passwords.written(code)
    for spelling in (text, text.upper(), text.replace("-", "")):
        assert app_passwords.is_form(spelling)
        assert app_passwords.code_in(spelling) == code


@given(CODES, st.integers(0, 23), st.sampled_from(ALPHABET))
def test_the_check_symbol_tells_every_single_mistyped_symbol(code, place, symbol):
    mistyped = code[:place] + symbol + code[place + 1 :]
    text = app_passwords.written(code).upper().replace("-", "")
    other = text.replace(code, mistyped)
    assert app_passwords.code_in(other) == (code if mistyped == code else None)


@given(st.text(max_size=40))
def test_any_text_may_be_asked_about(text):
    if app_passwords.is_form(text):
        app_passwords.code_in(text)


@pytest.mark.parametrize(
    "text", ["", "123456", "mfa-", CODE, f"mfa-{CODE}", f"mfb-{CODE}0", f"mfa-{CODE}00", "mfa-" + "é" * 25]
)
def test_what_has_another_form_is_none(text):
    assert not app_passwords.is_form(text)


# Making and ending


def test_an_app_password_is_kept_as_a_digest_with_its_path_and_end():
    decision = made()
    assert decision.outcome is Outcome.SIGNED_IN
    (kept,) = decision.account.app_passwords
    assert (kept.name, kept.path, kept.made_at, kept.expires_at) == ("calendar", "/cal", NOW, NOW + 30 * DAY)
    assert CODE not in ACCOUNT_CODEC.encode(decision.account)
    (event,) = decision.events
    assert event.kind == "app_password.made"
    assert dict(event.details) == {"app_password": "calendar", "path": "/cal"}


def test_a_fresh_second_factor_is_needed():
    later = NOW + Policy().step_up_seconds * SECOND
    assert made(now=later).outcome is Outcome.STEP_UP_REQUIRED
    assert made(now=later - 1).outcome is Outcome.SIGNED_IN
    remembered = replace(SESSION, method=Method.REMEMBERED_BROWSER)
    assert made(replace(ENROLLED, sessions=(remembered,))).outcome is Outcome.STEP_UP_REQUIRED
    assert made(replace(ENROLLED, sessions=())).outcome is Outcome.MUST_VERIFY
    other_login = replace(SESSION, login="another")
    assert made(replace(ENROLLED, sessions=(other_login,))).outcome is Outcome.MUST_VERIFY


@pytest.mark.parametrize("name", ["", " ", " calendar", "a\nb", "\x1b[2J", "x" * 65])
def test_a_name_is_one_line_of_printable_text(name):
    assert made(name=name).reason is Reason.UNPRINTABLE


def test_the_same_form_makes_one_app_password_only():
    account = made().account
    again = made(account, code=OTHER)
    assert again.reason is Reason.CHANGED_MEANWHILE
    assert again.account is None


def test_an_account_has_ten_at_most():
    account = ENROLLED
    for number in range(app_passwords.APP_PASSWORDS_MAX):
        account = made(account, id=str(number)).account
    assert made(account, id="one more").reason is Reason.TOO_MANY_APP_PASSWORDS
    left = decide(account, commands.EndAppPassword(origin=ORIGIN, id="3"), at(NOW)).account
    assert made(left, id="one more").outcome is Outcome.SIGNED_IN


def test_its_user_ends_one_and_no_other():
    account = made(made().account, id="j", code=OTHER).account
    decision = decide(account, commands.EndAppPassword(origin=ORIGIN, id="i"), at(NOW))
    assert [each.id for each in decision.account.app_passwords] == ["j"]
    assert dict(decision.events[0].details)["cause"] == "user"
    gone = decide(account, commands.EndAppPassword(origin=ORIGIN, id="x"), at(NOW))
    assert gone.reason is Reason.CHANGED_MEANWHILE
    stranger = replace(ORIGIN, session_id="other")
    assert (
        decide(account, commands.EndAppPassword(origin=stranger, id="i"), at(NOW)).outcome
        is Outcome.MUST_VERIFY
    )


@pytest.mark.parametrize(("ended", "left"), [("i", ["j"]), (None, [])])
def test_an_operator_ends_one_or_all(ended, left):
    account = made(made().account, id="j", code=OTHER).account
    command = commands.RevokeAppPasswords(id=ended, cause="operator", source="console")
    decision = decide(account, command, at(NOW))
    assert [each.id for each in decision.account.app_passwords] == left
    assert {dict(event.details)["cause"] for event in decision.events} == {"operator"}
    assert len(decision.events) == 2 - len(left)


ENDS = {
    "a reset": (
        commands.ResetBySupport(agent="edith", reason="lost", generation="h", enrollment_code=None), "reset",
    ),
    "a removal": (commands.RemoveAccount(agent="edith", reason="gone", generation="h"), "removed"),
    "a fence": (commands.FenceAfterRestore(generation="h"), "fence"),
}  # fmt: skip


@pytest.mark.parametrize(("command", "cause"), ENDS.values(), ids=ENDS.keys())
def test_what_ends_all_of_them(command, cause):
    decision = decide(made().account, command, at(NOW))
    assert decision.account.app_passwords == ()
    ends = [event for event in decision.events if event.kind == "app_password.ended"]
    assert [dict(event.details)["cause"] for event in ends] == [cause]


# Keeping, after a new phone or a recovery


def asked(*ids, now=NOW):
    """An account with these app passwords, all in question since ``now``."""
    account = ENROLLED
    for app_password_id in ids:
        account = made(account, id=app_password_id, code=OTHER).account
    return replace(account, app_passwords=asked_about(account.app_passwords, now))


def choose(account, *kept, now=NOW):
    return decide(account, commands.ChooseAppPasswords(origin=ORIGIN, kept=frozenset(kept)), at(now))


def state(account, now=NOW):
    return authentication_state(account, at(now), session_id="s", login="login").outcome


@given(st.sets(st.sampled_from("abcd")), st.sets(st.sampled_from("abcdx")))
def test_the_ticked_ones_stay_and_the_others_end(ids, kept):
    account = asked(*sorted(ids))
    assert (state(account) is Outcome.MUST_CHOOSE_APP_PASSWORDS) is bool(ids)
    decision = choose(account, *kept)
    left = decision.account or account
    assert {each.id for each in left.app_passwords} == ids & kept
    assert state(left) is Outcome.SIGNED_IN
    kinds = sorted(event.kind for event in decision.events)
    assert kinds == ["app_password.ended"] * len(ids - kept) + ["app_password.kept"] * len(ids & kept)
    assert {dict(each.details).get("cause", "not_kept") for each in decision.events} <= {"not_kept"}


def test_one_that_was_made_since_is_not_asked_about():
    account = made(asked("a"), id="new").account
    assert [each.id for each in choose(account).account.app_passwords] == ["new"]


def test_a_session_from_before_the_question_goes_on_and_cannot_answer_it():
    account = asked("a", now=NOW + 1)
    assert state(account) is Outcome.SIGNED_IN
    assert choose(account, now=NOW + 1).account is None


def test_without_a_session_nothing_is_chosen():
    account = replace(asked("a"), sessions=())
    assert choose(account).outcome is Outcome.MUST_VERIFY


def test_they_work_until_their_user_has_answered():
    assert app_passwords.find(asked("a"), OTHER, at(NOW)) is not None


def test_one_that_expires_meanwhile_is_asked_about_no_longer():
    later = NOW + 30 * DAY
    account = replace(asked("a"), sessions=(replace(SESSION, verified_at=later, seen_at=later),))
    assert choose(account, now=later).account is None


# Using


@given(CODES, CODES)
def test_only_its_own_code_finds_an_app_password(code, other):
    account = made(code=code).account
    assert (app_passwords.find(account, other, at(NOW)) is not None) == (code == other)


def test_it_works_until_it_ends_and_not_without_a_phone():
    account = made().account
    last = NOW + 30 * DAY
    assert app_passwords.find(account, CODE, at(last - 1)) is not None
    assert app_passwords.find(account, CODE, at(last)) is None
    assert app_passwords.find(replace(account, authenticator=None), CODE, at(NOW)) is None
    assert app_passwords.find(replace(account, user="bob"), CODE, at(NOW)) is None
    assert app_passwords.find(account, None, at(NOW)) is None


def test_one_that_has_ended_leaves_the_account_and_its_place():
    account = made().account
    later = NOW + 30 * DAY
    fresh = replace(account, sessions=(replace(SESSION, verified_at=later, seen_at=later),))
    assert [each.id for each in made(fresh, now=later, id="j").account.app_passwords] == ["j"]


@pytest.mark.parametrize(
    ("bound", "path", "is_good"),
    [
        ("/cal", "/cal", True),
        ("/cal", "/cal/", True),
        ("/cal", "/cal/ann/home.ics", True),
        ("/cal", "/calendar", False),
        ("/cal", "/", False),
        ("/cal", "/cal/../admin", False),
        ("/cal", "/cal;x/../admin", False),
        ("/cal", "//cal", False),
        ("/cal", None, False),
        ("/", "/anything;at=all", True),
        ("/", None, True),
    ],
)
def test_a_path_is_compared_by_whole_segments(bound, path, is_good):
    app_password = AppPassword(id="i", digest="d", name="n", path=bound, made_at=0, expires_at=1)
    assert app_passwords.reaches(app_password, path) is is_good


@pytest.mark.parametrize(
    ("path", "is_legal"),
    [("/", True), ("/cal", True), ("/cal/", False), ("cal", False), ("/*", False), ("", False)],
)
def test_what_a_path_may_be(path, is_legal):
    assert app_passwords.is_path(path) is is_legal


def test_a_use_is_noted_once_an_hour_without_an_event():
    account = made().account
    (fresh,) = account.app_passwords
    assert app_passwords.use_is_due(fresh, NOW)
    noted = decide(account, commands.NoteAppPasswordUse(id="i"), at(NOW))
    (used,) = noted.account.app_passwords
    assert (used.used_at, noted.events) == (NOW, ())
    assert not app_passwords.use_is_due(used, NOW + HOUR - 1)
    assert app_passwords.use_is_due(used, NOW + HOUR)
    assert app_passwords.use_is_due(used, NOW - 1)  # a clock was set back
    assert decide(account, commands.NoteAppPasswordUse(id="x"), at(NOW)).account is None


def test_the_stored_form_before_knows_none():
    account = made().account
    older = ACCOUNT_CODEC.encode(account, schema=1)
    assert "app_passwords" not in older
    assert ACCOUNT_CODEC.decode(older) == replace(account, app_passwords=())
