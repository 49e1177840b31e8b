"""The support desk over HTTP: who is let in, what is found, what is done, and what is refused (R44, R46, R47)."""

from __future__ import annotations

import json
import logging
from dataclasses import replace

import pytest

from wsgi_mfa.core.account import AppPassword, Method
from wsgi_mfa.core.instants import DAY
from wsgi_mfa.core.policy import Policy
from wsgi_mfa.directory import Person
from wsgi_mfa.errors import ConfigurationError, StoreUnavailableError
from wsgi_mfa.support.desk import SupportDesk

pytestmark = pytest.mark.any_python

AGENT = "edith@example.com"
OTHER = "farid@example.com"
USER = "user1@example.com"
DESK = "/mfa/support"


@pytest.fixture
def desk_of(wrapped, portal, notices):
    """``desk_of(**settings)``: the portal with two agents of the support desk."""

    def make(**settings):
        return wrapped(portal, **{"support_agents": [AGENT, OTHER], "notify": notices.append, **settings})

    return make


@pytest.fixture
def application(desk_of):
    return desk_of()


@pytest.fixture
def user(application, browser_of, bind_phone):
    """A browser of the user, signed in, and the phone."""
    browser = browser_of(USER, application)
    return browser, bind_phone(browser)


@pytest.fixture
def agent(application, browser_of, bind_phone):
    """A browser of the agent, with a second factor that is fresh."""
    browser = browser_of(AGENT, application)
    browser.phone = bind_phone(browser)
    return browser


def look_up(agent, text=USER):
    return agent.submit(agent.open(DESK), "/support", find=text)


def act(agent, action, *, text=USER, **typed):
    """Look an account up, choose, type and press Continue."""
    page = look_up(agent, text)
    form = page.page.form("/support")
    said = {"email": text, "reason": "lost the phone", **typed}
    return agent.post_form(DESK, form.fields | {"action": action} | said)


def call(agent, action, **members):
    said = {"user": USER, "email": USER, "reason": "lost the phone", **members}
    return agent.post_json(DESK, {"action": action, **said})


# Who is let in.


@pytest.mark.requirement("R44")
def test_the_page_account_leads_agents_to_the_desk_and_nobody_else(agent, user):
    browser, _ = user
    assert f'href="{DESK}"' in agent.open("/mfa/account").text
    assert "Support desk" not in browser.open("/mfa/account").text


@pytest.mark.requirement("R44")
def test_a_plain_user_gets_the_contact_and_may_reset_nobody(application, user, browser_of, memory_store):
    browser, _ = user
    page = browser.open(DESK)
    assert (page.status, page.page.name) == (200, "support")
    before = memory_store.load(USER), memory_store.events()
    token = browser.open("/mfa/help").page.form("/sign-out").fields["csrf"]
    form = {"csrf": token, "action": "reset", "user": USER, "email": USER, "reason": "x"}
    for answer in (browser.post_form(DESK, form), call(browser, "reset"), call(browser, "find", find=AGENT)):
        assert answer.status == 403
    assert call(browser, "reset").problem == "refused"
    assert call(browser, "reset").json["reason"] == "not_an_agent"
    assert (memory_store.load(USER), memory_store.events()) == before


@pytest.mark.requirement("R44")
def test_without_the_setting_nobody_is_an_agent(desk_of, browser_of, bind_phone):
    application = desk_of(support_agents=())
    browser = browser_of(AGENT, application)
    bind_phone(browser)
    assert browser.open(DESK).page.name == "support"
    assert call(browser, "find", find=AGENT).json["reason"] == "not_an_agent"


@pytest.mark.requirement("R44")
def test_an_agent_needs_a_second_factor_of_their_own(application, browser_of, agent, user, clock):
    assert browser_of(OTHER, application).open(DESK).page.name == "enroll"
    other_browser = browser_of(AGENT, application)
    page = other_browser.open(DESK)
    assert page.page.name == "verify"
    assert other_browser.get_json(DESK).problem == "must_verify"
    assert call(other_browser, "reset").problem == "must_verify"
    done = other_browser.submit(page, "/verify", code=agent.phone.code())
    assert done.page.refresh.endswith(f"url={DESK}")
    assert other_browser.open(DESK).page.name == "support_desk"


@pytest.mark.requirement("R44")
def test_nobody_at_the_portal_is_led_to_its_sign_in(application, browser_of):
    assert browser_of(None, application).navigate(DESK).location == "/"
    assert browser_of(None, application).get_json(DESK).problem == "sign_in_required"
    assert call(browser_of(None, application), "reset").problem == "sign_in_required"


@pytest.mark.requirement("R44", "R40")
def test_each_change_needs_a_fresh_second_factor_and_comes_back_to_the_account(
    agent, user, clock, memory_store
):
    clock.wait(301)
    page = look_up(agent)
    assert page.page.name == "support_account"
    assert "confirm with a fresh code" in page.page.words
    assert call(agent, "reset").problem == "step_up_required"
    assert memory_store.load(USER).authenticator is not None
    asked = agent.open(next(link for link in page.page.links if "/verify?asked=1" in link))
    assert asked.page.outcome == "step_up_required"
    clock.wait_for_step()
    done = agent.submit(asked, "/verify", code=agent.phone.code())
    back = agent.open(done.page.refresh.partition("url=")[2])
    assert USER in back.page.words
    assert [form.action for form in back.page.forms] == [DESK, "/mfa/sign-out"]


@pytest.mark.requirement("R44")
def test_a_form_that_was_open_for_too_long_asks_for_a_code_and_changes_nothing(
    agent, user, clock, memory_store
):
    form = look_up(agent).page.form("/support").fields
    clock.wait(301)
    sent = {**form, "action": "reset", "email": USER, "reason": "lost"}
    page = agent.follow(agent.post_form(DESK, sent))
    assert (page.page.name, page.page.outcome) == ("verify", "step_up_required")
    assert memory_store.load(USER).authenticator is not None


@pytest.mark.requirement("R44", "D20")
def test_a_form_from_before_a_fresh_code_leads_to_the_desk_and_shows_no_account(
    agent, user, clock, memory_store, caplog
):
    form = look_up(agent).page.form("/support").fields
    clock.wait_for_step()
    agent.submit(agent.open("/mfa/verify?asked=1"), "/verify", code=agent.phone.code())
    with caplog.at_level(logging.INFO, "wsgi_mfa.audit"):
        answer = agent.post_form(DESK, {**form, "action": "reset", "email": USER, "reason": "x"})
    assert answer.location == DESK
    assert USER not in agent.follow(answer).page.words
    assert not [line for line in caplog.messages if line.startswith("support.looked_up")]
    assert memory_store.load(USER).authenticator is not None


def looked_up(caplog):
    return [line for line in caplog.messages if line.startswith("support.looked_up")]


@pytest.mark.requirement("R47", "R83")
def test_an_account_that_a_refused_change_shows_is_counted_and_logged(agent, user, memory_store, caplog):
    look_up(agent, "nobody@example.com")  # the look-up counts, and names no account
    with caplog.at_level(logging.INFO, "wsgi_mfa.audit"):
        answer = call(agent, "reset", reason=" ")
    assert answer.json["reason"] == "unprintable"
    assert looked_up(caplog) == [f"support.looked_up user={AGENT!r} source='192.0.2.1' found={[USER]!r}"]
    assert memory_store.load(AGENT).desk_use.lookups_count == 2


@pytest.mark.requirement("R47", "R83")
def test_an_account_named_by_a_change_that_asks_for_a_code_is_counted_when_it_is_shown(
    agent, user, clock, memory_store, caplog
):
    form = agent.open(DESK).page.form("/support").fields
    clock.wait(301)
    asked = agent.post_form(DESK, {**form, "action": "reset", "user": USER, "email": "", "reason": "x"})
    with caplog.at_level(logging.INFO, "wsgi_mfa.audit"):
        done = agent.submit(agent.follow(asked), "/verify", code=agent.phone.code())
        assert looked_up(caplog) == []
        back = agent.open(done.page.refresh.partition("url=")[2])
    assert USER in back.page.words
    assert looked_up(caplog) == [f"support.looked_up user={AGENT!r} source='192.0.2.1' found={[USER]!r}"]
    assert memory_store.load(AGENT).desk_use.lookups_count == 1


@pytest.mark.requirement("R47")
def test_past_the_limit_no_way_shows_an_account(desk_of, browser_of, bind_phone, clock):
    application = desk_of(policy=Policy(agent_lookups_max=1, agent_changes_max=9))
    agent, user = browser_of(AGENT, application), browser_of(USER, application)
    bind_phone(user)
    phone = bind_phone(agent)
    form = agent.open(DESK).page.form("/support").fields
    assert call(agent, "find", find="nobody@example.com").status == 200
    assert call(agent, "reset", reason=" ").status == 429
    clock.wait(301)
    asked = agent.post_form(DESK, {**form, "action": "reset", "user": USER, "email": "", "reason": "x"})
    done = agent.submit(agent.follow(asked), "/verify", code=phone.code())
    back = agent.open(done.page.refresh.partition("url=")[2])
    assert (back.status, USER in back.page.words) == (429, False)


@pytest.mark.requirement("R44")
def test_a_remembered_browser_is_asked_for_a_code(application, agent, user, memory_store):
    account = memory_store.load(AGENT)
    sessions = tuple(replace(each, method=Method.REMEMBERED_BROWSER) for each in account.sessions)
    application.service.save(
        replace(account, sessions=sessions, revision="remembered"), (), expected=account.revision
    )
    assert agent.open(DESK).page.name == "verify"
    assert call(agent, "find", find=USER).problem == "step_up_required"
    assert call(agent, "reset").problem == "step_up_required"


@pytest.mark.requirement("R44", "R23")
def test_agents_may_be_a_group_of_the_directory(desk_of, browser_of, bind_phone, user):
    people = {
        AGENT: Person(name=AGENT, email=AGENT, groups=("desk",)),
        OTHER: Person(name=OTHER, email=OTHER),
        USER: Person(name=USER, email=USER),
    }
    application = desk_of(support_agents=["group:desk"], directory=people.get)
    agent, other = browser_of(AGENT, application), browser_of(OTHER, application)
    bind_phone(agent)
    bind_phone(other)
    assert agent.get_json(DESK).json["agent"] is True
    assert other.get_json(DESK).json["agent"] is False
    assert call(agent, "unlock", user=OTHER, email=OTHER).status == 200
    people[OTHER] = replace(people[OTHER], groups=("desk",))
    assert call(agent, "unlock", user=OTHER, email=OTHER).json["reason"] == "agents_account"


@pytest.mark.requirement("R44")
def test_a_wrong_setting_stops_the_start(desk_of):
    with pytest.raises(ConfigurationError, match="support_agents"):
        desk_of(support_agents=["*"])


# Looking up.


@pytest.mark.requirement("R44")
@pytest.mark.parametrize("text", [USER, " User1@EXAMPLE.com "])
def test_an_account_is_looked_up_and_no_name_stands_in_a_url(agent, user, text):
    found = agent.submit_only(agent.open(DESK), "/support", find=text)
    assert found.status == 303
    assert "user1" not in found.location
    page = agent.follow(found)
    assert page.page.name == "support_account"
    for words in ("enrolled", "Open sessions 1", "set up a phone", "not shown"):
        assert words in page.page.words


@pytest.mark.requirement("R83")
def test_a_lookup_is_logged_with_whom_it_found_and_not_with_what_was_typed(agent, user, caplog):
    with caplog.at_level(logging.INFO, "wsgi_mfa.audit"):
        look_up(agent)
        look_up(agent, "a password by mistake")
    lines = [line for line in caplog.messages if line.startswith("support.looked_up")]
    assert lines == [
        f"support.looked_up user={AGENT!r} source='192.0.2.1' found={[USER]!r}",
        f"support.looked_up user={AGENT!r} source='192.0.2.1' found=[]",
    ]


def test_what_is_not_found_is_said(agent):
    page = look_up(agent, "nobody@example.com")
    assert (page.status, page.page.name) == (200, "support_desk")
    assert "Nothing found" in page.page.words


@pytest.mark.requirement("D30")
def test_of_several_accounts_with_one_address_the_agent_chooses(application, agent, user, memory_store):
    account = memory_store.load(USER)
    for name in ("ann", "ben"):
        other = replace(account, user=name, address="office@example.org", revision=name, generation=name)
        application.service.save(other, (), expected=None)
    page = look_up(agent, "office@example.org")
    assert "2 accounts" in page.page.words
    links = [link for link in page.page.links if "account=" in link]
    assert [agent.open(link).page.form("/support").fields["user"] for link in links] == ["ann", "ben"]


@pytest.mark.requirement("R44", "R37")
def test_nothing_that_an_agent_reads_holds_a_secret(agent, user, application, memory_store):
    account = memory_store.load(USER)
    page = look_up(agent)
    told = page.text + json.dumps(call(agent, "find", find=USER).json)
    secrets = (
        account.authenticator.sealed_key,
        account.recovery_code.sealed_digest,
        account.sessions[0].id,
        account.sessions[0].browser,
        application.service.vault.active_key(account).hex(),
    )
    assert all(secret not in told for secret in secrets)


@pytest.mark.requirement("R47")
def test_a_handle_of_another_agent_of_long_ago_or_of_nobody_is_not_found(
    application, agent, user, browser_of, bind_phone, clock
):
    handle = call(agent, "find", find=USER).json["accounts"][0]["account"]
    url = f"{DESK}?account={handle}"
    assert agent.get_json(url).json["account"]["user"] == USER
    other = browser_of(OTHER, application)
    bind_phone(other)
    for strange in (url, f"{url}x", f"{DESK}?account=k1.AAAA", f"{DESK}?account={USER}"):
        answer = other.get_json(strange)
        assert (answer.status, answer.problem) == (404, "not_found")
        assert other.navigate(strange).status == 404
    clock.wait(1800)
    agent.open("/")  # the session is in use
    clock.wait(1800)
    assert agent.get_json(url).status == 404


@pytest.mark.requirement("D13")
def test_the_desk_answers_windows_of_their_own_alone(agent, user):
    page = look_up(agent)
    assert agent.navigate(page.url, headers={"Sec-Fetch-Dest": "iframe"}).status == 403
    framed = agent.post_json(DESK, {"action": "find", "find": USER}, {"Sec-Fetch-Site": "same-origin"})
    assert framed.status == 403


# Doing.


@pytest.mark.requirement("R44", "R45", "R48", "R32")
def test_an_agent_resets_an_account_and_all_of_before_is_dead(agent, user, memory_store, notices):
    browser, _ = user
    done = act(agent, "reset", ticket="4711")
    assert (done.status, done.page.name, done.page.outcome) == (200, "support_done", "reset")
    assert "caller-code" not in done.page.by_id
    event = next(each for each in memory_store.events(USER) if each.kind == "support.reset")
    assert (event.kind, event.source) == ("support.reset", "192.0.2.1")
    assert dict(event.details) == {
        "agent": AGENT,
        "reason": "lost the phone",
        "ticket": "4711",
        "code_needed": "false",
    }
    assert notices[-1] == event
    assert browser.open("/").page.name == "enroll"


@pytest.mark.requirement("D15", "R44")
def test_after_guesses_the_agent_gets_a_code_and_a_double_click_the_same(agent, user, clock, browser_of):
    browser, phone = user
    thief = browser_of(USER, browser.application)
    rejected = thief.submit(thief.open("/"), "/verify", code=phone.wrong_code())
    assert rejected.page.outcome == "wrong_code"
    page = look_up(agent)
    assert "Wrong codes after the right password" in page.page.words
    sent = page.page.form("/support").fields | {"action": "reset", "email": USER, "reason": "lost"}
    first, second = agent.post_form(DESK, sent), agent.post_form(DESK, sent)
    code = first.page.by_id["caller-code"]
    assert second.page.by_id["caller-code"] == code
    asked = browser.open("/")
    assert asked.page.name == "enrollment_code"
    assert browser.submit(asked, "/enroll", enrollment_code=code).page.name == "enroll"


@pytest.mark.requirement("D12")
def test_an_account_that_changed_meanwhile_is_left_alone_and_shown_as_it_is(agent, user, memory_store):
    form = look_up(agent).page.form("/support").fields
    call(agent, "reset")
    left = memory_store.load(USER)
    again = agent.post_form(DESK, form | {"action": "reset", "email": USER, "reason": "x"})
    assert (again.status, again.page.name) == (403, "support_account")
    assert "was changed since you opened it" in again.page.words
    assert memory_store.load(USER) == left


@pytest.mark.requirement("D47")
def test_an_agent_unlocks_an_account(agent, user, browser_of, clock):
    browser, phone = user
    guesser = browser_of(USER, browser.application)
    for number in range(5):
        guesser.submit(guesser.open("/mfa/verify"), "/verify", code=phone.wrong_code(number))
    clock.wait(1)
    assert "locked for" in look_up(agent).page.words
    done = act(agent, "unlock")
    assert done.page.outcome == "unlocked"
    code = done.page.by_id["caller-code"]
    asked = guesser.submit(guesser.open("/mfa/unlock"), "/unlock", unlock_code=code)
    assert asked.page.name == "verify"
    assert "This browser is known" in asked.page.words


@pytest.fixture
def programs(user, memory_store, clock):
    """Three app passwords of the user."""
    browser, _ = user
    account = memory_store.load(USER)
    now = clock.instant
    made = tuple(
        AppPassword(id=letter * 32, digest="d", name=name, path="/", made_at=now, expires_at=now + DAY)
        for letter, name in (("a", "calendar"), ("b", "uploads"), ("c", "reader"))
    )
    changed = replace(account, revision="with programs", app_passwords=made)
    assert browser.application.service.save(changed, (), expected=account.revision)
    return lambda: [each.name for each in memory_store.load(USER).app_passwords]


@pytest.mark.requirement("D50")
def test_an_agent_lists_app_passwords_and_ends_one_or_all(agent, programs, memory_store):
    listed = call(agent, "find", find=USER).json["accounts"][0]["app_passwords"]
    assert [(each["name"], each["app_password"], each["used_at"]) for each in listed] == [
        ("calendar", "a" * 8, None), ("uploads", "b" * 8, None), ("reader", "c" * 8, None),
    ]  # fmt: skip
    assert "calendar" in look_up(agent).page.words
    done = act(agent, "end_app_passwords", app_password="a" * 8)
    assert "1 app password ended" in done.page.words
    assert programs() == ["uploads", "reader"]
    event = memory_store.events(USER)[-1]
    said = {"cause": "support", "agent": AGENT, "reason": "lost the phone"}
    assert (event.kind, said.items() <= dict(event.details).items()) == ("app_password.ended", True)
    answer = call(agent, "end_app_passwords")
    assert answer.json["message"] == f"{USER}: 2 app passwords ended"
    assert programs() == []
    answer = call(agent, "end_app_passwords")
    assert answer.json["message"] == f"{USER}: there was no app password"


@pytest.mark.requirement("D50")
@pytest.mark.parametrize("strange", ["a", "aaaaaaa", "d" * 8, "aaaaaaab"])
def test_a_strange_id_ends_no_app_password(agent, programs, strange):
    assert call(agent, "end_app_passwords", app_password=strange).status == 404
    assert call(agent, "end_app_passwords", email=OTHER).status == 404
    assert len(programs()) == 3


@pytest.mark.requirement("R47")
def test_an_agent_ends_one_session_or_all(agent, user, browser_of, clock, memory_store):
    browser, phone = user
    tablet = browser_of(USER, browser.application)
    tablet.enter_code("/", phone)
    sessions = call(agent, "find", find=USER).json["accounts"][0]["sessions"]
    assert [len(each["session"]) for each in sessions] == [8, 8]
    done = act(agent, "end_sessions", session=sessions[0]["session"])
    assert "1 session ended" in done.page.words
    assert browser.open("/").page.name == "verify"
    assert tablet.open("/reports").status == 200
    assert "1 session ended" in act(agent, "end_sessions").page.words
    assert tablet.open("/").page.name == "verify"


@pytest.mark.requirement("R41")
def test_an_agent_invites_a_new_user(desk_of, browser_of, bind_phone, memory_store):
    memory_store.set_invited_only(False)
    application = desk_of()
    agent = browser_of(AGENT, application)
    bind_phone(agent)
    memory_store.set_invited_only(True)
    assert "new" in look_up(agent, "user2@example.com").page.words
    done = act(agent, "invite", text="user2@example.com")
    code = done.page.by_id["caller-code"]
    browser = browser_of("user2@example.com", application)
    assert browser.submit(browser.open("/"), "/enroll", enrollment_code=code).page.name == "enroll"


@pytest.mark.requirement("R46")
def test_a_reset_that_needs_two_agents_is_asked_for_by_one_and_done_by_the_other(
    desk_of, browser_of, bind_phone, memory_store
):
    application = desk_of(policy=Policy(reset_agents=2))
    edith, farid, user = (browser_of(name, application) for name in (AGENT, OTHER, USER))
    for browser in (user, edith, farid):
        bind_phone(browser)
    for _ in range(2):  # a double click asks once
        asked = act(edith, "reset")
        assert (asked.status, asked.page.outcome) == (403, "refused")
        assert "another agent has to ask for it too" in asked.page.words
    assert [event.kind for event in memory_store.events(USER)].count("support.reset_asked") == 1
    assert f"A reset was asked for {AGENT} asked" in look_up(farid).page.words
    assert act(farid, "reset").page.outcome == "reset"


# Refusals.


@pytest.mark.requirement("R47", "R82")
def test_an_unknown_user_and_an_address_of_somebody_else_get_one_answer_and_change_nothing(
    agent, user, memory_store
):
    before = memory_store.load(USER), memory_store.events(USER)
    answers = [
        call(agent, action, **pair)
        for action in ("reset", "unlock", "end_sessions", "forget_drift")
        for pair in (
            {"email": "other@example.com"},
            {"email": ""},
            {"email": AGENT},
            {"user": "nobody@example.com", "email": "nobody@example.com"},
            {"user": "nobody@example.com"},
        )
    ]
    assert {(answer.status, answer.text) for answer in answers} == {(404, answers[0].text)}
    assert answers[0].problem == "not_found"
    assert (memory_store.load(USER), memory_store.events(USER)) == before


@pytest.mark.requirement("R47")
def test_a_form_whose_user_or_session_was_swapped_is_not_found(
    agent, user, application, browser_of, bind_phone, memory_store
):
    other = browser_of("user2@example.com", application)
    bind_phone(other)
    strange = memory_store.load("user2@example.com").sessions[0].id[:8]
    before = memory_store.load(USER), memory_store.load("user2@example.com")
    swapped = act(agent, "reset", user="user2@example.com")
    assert (swapped.status, swapped.page.name) == (404, "support_desk")
    swapped = act(agent, "end_sessions", session=strange)
    assert (swapped.status, swapped.page.name) == (404, "support_desk")
    # The address fits too, and the screen is another account's.
    swapped = act(agent, "reset", user="user2@example.com", email="user2@example.com")
    assert (swapped.status, swapped.page.outcome) == (403, "refused")
    assert (memory_store.load(USER), memory_store.load("user2@example.com")) == before


@pytest.mark.requirement("R46", "R47")
@pytest.mark.parametrize(("target", "reason"), [(AGENT, "own_account"), (OTHER, "agents_account")])
def test_nobody_changes_the_own_account_or_another_agents(
    agent, application, browser_of, bind_phone, memory_store, target, reason
):
    bind_phone(browser_of(OTHER, application))
    page = look_up(agent, target)
    assert [form.action for form in page.page.forms] == ["/mfa/sign-out"]
    before = memory_store.load(target)
    for action in ("reset", "unlock", "unlock_clock", "end_sessions", "forget_drift"):
        answer = call(agent, action, user=target.upper(), email=target)
        assert (answer.status, answer.json["reason"]) == (403, reason)
    assert replace(memory_store.load(target), desk_use=None, revision="", saved_at=0) == replace(
        before, desk_use=None, revision="", saved_at=0
    )


@pytest.mark.requirement("R44", "R83")
def test_a_reset_without_a_reason_is_refused_and_keeps_what_was_typed(agent, user, memory_store):
    page = act(agent, "reset", reason="  ", ticket="4711")
    assert (page.status, page.page.outcome) == (403, "refused")
    assert page.page.form("/support").fields["ticket"] == "4711"
    assert memory_store.load(USER).authenticator is not None


@pytest.mark.requirement("R73", "R79")
@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"action": "resets", "user": USER}, 400),
        ({"user": USER}, 400),
        ({"action": "reset"}, 400),
        ({"action": "reset", "user": "a\nb"}, 404),
        ({"action": "reset", "user": ""}, 404),
        ({"action": ["reset"], "user": USER}, 400),
        ({"action": "reset", "user": 1}, 400),
    ],
)
def test_what_cannot_be_read_is_refused(agent, user, memory_store, body, status):
    before = memory_store.load(USER)
    assert agent.post_json(DESK, body).status == status
    assert memory_store.load(USER) == before


@pytest.mark.requirement("R73")
def test_a_form_without_a_token_or_from_elsewhere_changes_nothing(agent, user, memory_store):
    form = look_up(agent).page.form("/support").fields
    sent = form | {"action": "reset", "email": USER, "reason": "x"}
    assert agent.post_form(DESK, {**sent, "csrf": ""}).status == 403
    assert agent.post_form(DESK, sent, {"Sec-Fetch-Site": "cross-site"}).status == 403
    assert memory_store.load(USER).authenticator is not None


@pytest.mark.requirement("R47")
def test_a_stolen_session_neither_lists_nor_resets_everybody(
    desk_of, browser_of, bind_phone, memory_store, notices, caplog
):
    application = desk_of(policy=Policy(agent_lookups_max=3, agent_changes_max=2))
    agent, user = browser_of(AGENT, application), browser_of(USER, application)
    bind_phone(user)
    bind_phone(agent)
    for number in range(3):
        assert call(agent, "find", find=f"user{number}@example.com").status == 200
    with caplog.at_level(logging.ERROR):
        locked = call(agent, "find", find=USER)
    assert (locked.status, locked.problem) == (429, "locked")
    assert int(locked.header("Retry-After")) > 3000
    assert "is the session still the agent's?" in caplog.text
    assert [(event.kind, event.user) for event in notices][-1] == ("support.limit_reached", AGENT)
    for _ in range(2):
        assert call(agent, "reset", email="guessed@example.com").status == 404  # refusals count as well
    assert call(agent, "reset").status == 429
    assert memory_store.load(USER).authenticator is not None
    page = agent.submit_only(agent.open(DESK), "/support", find=USER)
    assert "more accounts within an hour" in page.page.words


@pytest.mark.requirement("R45", "R44")
def test_an_agent_who_was_reset_is_no_agent_until_enrolled_anew(agent, user, application):
    assert agent.get_json(DESK).json["agent"] is True
    SupportDesk(application.service).reset(AGENT, email=AGENT, reason="stolen", agent="console:root")
    assert call(agent, "reset").problem == "must_enroll"


@pytest.mark.requirement("R80")
def test_a_store_that_is_away_is_told(desk_of, browser_of, bind_phone, memory_store, monkeypatch):
    application = desk_of()
    agent, user = browser_of(AGENT, application), browser_of(USER, application)
    bind_phone(user)
    bind_phone(agent)

    def gone(address):
        raise StoreUnavailableError("the store is gone")

    monkeypatch.setattr(memory_store, "find_by_address", gone)
    assert call(agent, "find", find=USER).problem == "unavailable"
