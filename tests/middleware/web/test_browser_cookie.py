"""The cookie that makes a browser known: what it holds, how long, and who may take it away (D46)."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsgi_mfa.web.browser_cookie import with_secret
from wsgi_mfa.web.cookies import KNOWN_SECRETS_MAX, known_secrets_in

pytestmark = pytest.mark.requirement("D46")
KNOWN, SESSION = "__Host-wsgi_mfa_known_portal", "__Host-wsgi_mfa_session_portal"
secrets = st.text(alphabet="AZaz09_-", min_size=22, max_size=22)


def test_a_first_success_gives_a_secret_for_400_days(browser_of, phone_of):
    alice = browser_of("alice")
    alice.enroll("/", phone_of)
    assert re.fullmatch("[A-Za-z0-9_-]{22}", alice.cookies[KNOWN])


def test_each_success_gives_another_secret_and_sign_out_leaves_it(browser_of, phone_of, clock):
    alice = browser_of("alice")
    phone = alice.enroll("/", phone_of)
    first = alice.cookies[KNOWN]
    alice.cookies.pop(SESSION)
    clock.wait(30)
    alice.submit(alice.open("/"), "/verify", code=phone.code())
    second = alice.cookies[KNOWN]
    assert second != first
    assert "." not in second
    alice.submit(alice.open("/mfa/account"), "/sign-out", tick=False)
    assert alice.cookies[KNOWN] == second


def test_users_of_one_browser_each_have_a_secret_in_it(browser_of, phone_of, clock):
    alice = browser_of("alice")
    phone = alice.enroll("/", phone_of)
    bob = browser_of("bob", alice.application, cookies={KNOWN: alice.cookies[KNOWN]})
    bob.enroll("/", phone_of)
    held = bob.cookies[KNOWN].split(".")
    assert len(held) == 2
    assert alice.cookies[KNOWN] in held
    clock.wait(30)
    again = browser_of("alice", alice.application, cookies={KNOWN: bob.cookies[KNOWN]})
    again.submit(again.open("/"), "/verify", code=phone.code())
    assert len(again.cookies[KNOWN].split(".")) == 2
    assert held[0] in again.cookies[KNOWN]


def test_a_thief_locks_others_out_and_no_known_browser(browser_of, phone_of, clock):
    alice = browser_of("alice")
    phone = alice.enroll("/", phone_of)
    alice.cookies.pop(SESSION)
    thief = browser_of("alice", alice.application)
    page = thief.open("/")
    for number in range(5):
        thief.submit(page, "/verify", code=phone.wrong_code(number))
    clock.wait(1)
    assert thief.submit(page, "/verify", code=phone.code()).status == 429
    clock.wait_for_step()
    shown = alice.open("/")
    assert "This browser is known" in shown.page.words
    assert alice.submit(shown, "/verify", code=phone.code()).page.outcome == "signed_in"


def test_a_user_forgets_the_browser_on_the_page_of_the_account_and_at_sign_out(browser_of, phone_of, clock):
    alice = browser_of("alice")
    phone = alice.enroll("/", phone_of)
    page = alice.open("/mfa/account")
    assert "Forget this browser" in page.page.words
    form = next(each for each in page.page.forms if each.fields.get("known") == "this")
    alice.follow(alice.post_form("/mfa/account", form.fields))
    assert KNOWN not in alice.cookies
    assert alice.get_json("/mfa/account").json["known_browsers"] == {"count": 0, "this_browser": False}
    assert alice.navigate("/").text == "welcome to /"
    alice.cookies.pop(SESSION)
    clock.wait(30)
    alice.submit(alice.open("/"), "/verify", code=phone.code())
    assert alice.get_json("/mfa/account").json["known_browsers"] == {"count": 1, "this_browser": True}
    assert alice.post_json("/mfa/sign-out", {"forget": True}).status == 200
    assert KNOWN not in alice.cookies


@pytest.mark.parametrize("wanted", ["", "other", "0"])
def test_what_is_neither_this_browser_nor_all_is_refused(browser_of, phone_of, wanted):
    alice = browser_of("alice")
    alice.enroll("/", phone_of)
    assert alice.post_json("/mfa/account", {"known": wanted}).status == 400
    assert KNOWN in alice.cookies


def test_a_lost_reply_is_given_again_with_the_same_secret(browser_of, phone_of, clock):
    alice = browser_of("alice")
    phone = alice.enroll("/", phone_of)
    tablet = browser_of("alice", alice.application)
    page = tablet.open("/")
    cookies = dict(tablet.cookies)
    clock.wait(30)
    code = phone.code()
    first = tablet.submit_only(page, "/verify", code=code).set_cookies[KNOWN].split(";")[0]
    tablet.cookies.clear()
    tablet.cookies.update(cookies)
    assert tablet.submit_only(page, "/verify", code=code).set_cookies[KNOWN].split(";")[0] == first


@pytest.mark.parametrize(
    "value",
    ["", "short", "a" * 23, ".".join(["a" * 22] * 9), "a" * 22 + ".", "\u00e4" * 22, " " + "a" * 22, None],
)
def test_a_value_that_is_none_of_ours_holds_nothing(value):
    assert known_secrets_in(value) == ()


@given(st.lists(secrets, max_size=KNOWN_SECRETS_MAX, unique=True), secrets, st.integers(0, 7))
def test_a_new_secret_takes_the_place_of_the_earlier_one_and_the_oldest_leaves(held, secret, place):
    replaced = held[place : place + 1]
    after = with_secret(tuple(held), secret, replaced=replaced)
    assert after[0] == secret
    assert len(after) <= KNOWN_SECRETS_MAX
    assert not {*replaced} - {secret} & {*after}
    assert known_secrets_in(".".join(after)) == after
