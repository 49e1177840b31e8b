"""A roll-out step by step: who need no second factor yet pass, are reminded, and may put it off (R41)."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from wsgi_mfa import AccessRule, ConfigurationError, FlaskSession, Person, Policy

JSON = {"Accept": "application/json"}
DAY = 86_400


@pytest.fixture
def moment(clock):
    """``moment(seconds)``: the instant so many seconds from now, as a setting."""
    return lambda seconds: datetime.fromtimestamp(
        clock.now() // 1_000_000 + seconds, tz=timezone.utc
    ).strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.fixture
def application(wrapped, portal, moment):
    return wrapped(portal, policy=Policy(required_from=moment(10 * DAY), required_users=("Chosen",)))


@pytest.fixture
def laptop(application, browser_of):
    return browser_of("alice", application)


@pytest.mark.requirement("R41")
def test_who_opens_a_page_is_told_from_when_on_a_second_factor_is_needed(laptop, portal):
    page = laptop.open("/reports?page=2")
    assert (page.page.name, page.page.outcome) == ("reminder", "may_enroll")
    assert "Remind me later" in page.text
    assert portal.calls == []


@pytest.mark.requirement("R41")
def test_who_puts_it_off_goes_on_to_what_was_asked_for_and_is_left_in_peace_for_a_day(laptop, portal, clock):
    done = laptop.submit(laptop.open("/reports?page=2"), "/reminder")
    assert done.page.refresh == "0;url=/reports?page=2"
    assert laptop.navigate("/reports?page=2").text == "welcome to /reports"
    assert not {key for key in portal.calls[-1] if key.startswith("wsgi_mfa.")}
    clock.wait(DAY - 1)
    assert laptop.navigate("/").status == 200
    clock.wait(1)
    assert laptop.open("/").page.name == "reminder"


def test_what_was_put_off_in_one_browser_is_put_off_in_all(laptop, browser_of, application):
    laptop.submit(laptop.open("/"), "/reminder")
    assert browser_of("alice", application).navigate("/").text == "welcome to /"
    assert browser_of("bob", application).open("/").page.name == "reminder"


def test_a_second_press_of_the_button_changes_nothing_more(laptop, memory_store):
    page = laptop.open("/")
    laptop.submit(page, "/reminder")
    saved = memory_store.load("alice").revision
    assert laptop.submit(page, "/reminder").page.outcome == "may_enroll"
    assert memory_store.load("alice").revision == saved


@pytest.mark.requirement("R41")
def test_the_reminder_leads_to_a_phone_that_is_asked_for_from_then_on(
    laptop, phone_of, clock, browser_of, application
):
    page = laptop.open("/orders")
    manual = laptop.navigate("/mfa/enroll/manual")
    assert any("/mfa/enroll" in link for link in page.page.links)
    phone = phone_of(manual.page.by_id["key"])
    laptop.submit(laptop.submit(manual, "/enroll/manual", code=phone.code()), "/recovery-code")
    assert laptop.navigate("/").status == 200
    tablet = browser_of("alice", application)
    assert tablet.open("/").page.name == "verify"
    assert tablet.open("/mfa/reminder").page.name == "verify"


@pytest.mark.requirement("R77", "R41")
@pytest.mark.parametrize(
    "request_of",
    [
        lambda browser: browser.request("GET", "/reports", headers=JSON),
        lambda browser: browser.post_form("/reports", {"amount": "5"}),
        lambda browser: browser.request("GET", "/reports", headers={"Sec-Fetch-Mode": "cors"}),
        lambda browser: browser.request("HEAD", "/reports", headers={"Accept": "text/html"}),
    ],
    ids=["a program", "a form", "a script", "HEAD"],
)
def test_the_reminder_stands_in_the_way_of_no_program_and_of_no_form(laptop, request_of):
    assert request_of(laptop).status == 200


@pytest.mark.requirement("R41")
def test_from_the_instant_on_everybody_needs_it(laptop, clock, portal):
    laptop.submit(laptop.open("/"), "/reminder")
    clock.wait(10 * DAY - 1)
    assert laptop.request("GET", "/", headers=JSON).status == 200
    clock.wait(1)
    asked = laptop.request("GET", "/", headers=JSON)
    assert (asked.status, asked.problem) == (401, "must_enroll")
    assert laptop.open("/").page.name == "enroll"
    assert laptop.open("/mfa/reminder").page.name == "enroll"


@pytest.mark.requirement("R41")
def test_who_is_chosen_needs_it_at_once(browser_of, application):
    chosen = browser_of("CHOSEN", application)
    assert chosen.open("/").page.name == "enroll"
    assert chosen.post_json("/mfa/reminder", {}).problem == "must_enroll"
    assert chosen.request("GET", "/", headers=JSON).problem == "must_enroll"


@pytest.mark.requirement("R41")
def test_groups_are_chosen_by_the_directory(wrapped, portal, browser_of):
    people = {"carla": ("clerks",), "dave": ("drivers",)}
    application = wrapped(
        portal,
        policy=Policy(required_from="never", required_groups=("clerks",)),
        directory=lambda name: Person(name=name, groups=people[name]),
    )
    assert browser_of("carla", application).open("/").page.name == "enroll"
    assert browser_of("dave", application).open("/").page.name == "reminder"
    with pytest.raises(ConfigurationError, match=r"policy\.required_groups names groups: give directory="):
        wrapped(portal, policy=Policy(required_from="never", required_groups=("clerks",)))


@pytest.mark.requirement("R45")
def test_who_has_had_a_phone_never_gets_in_without_one_by_the_roll_out(
    laptop, phone_of, service_of, application, clock
):
    laptop.navigate("/mfa/enroll")
    laptop.enroll("/mfa/enroll", phone_of)
    service_of(application).reset("alice", email="alice@example.com", reason="lost", agent="desk")
    assert laptop.open("/").page.name == "enroll"
    assert laptop.open("/mfa/reminder").page.name == "enroll"
    assert laptop.request("GET", "/", headers=JSON).problem == "must_enroll"


@pytest.fixture
def service_of():
    """``service_of(middleware)``: the support desk behind it, which knows one address."""
    from wsgi_mfa.support import SupportDesk

    def desk(middleware):
        return SupportDesk(
            middleware.service, directory=lambda name: Person(name=name, email=f"{name}@example.com")
        )

    return desk


@pytest.mark.requirement("R41", "R63")
@pytest.mark.parametrize("path", ["/admin", "/Admin/users", "/x//admin", "/x/../admin", "/admin;a"])
def test_a_rule_asks_for_it_whatever_the_roll_out_says(wrapped, portal, browser_of, path):
    policy = Policy(
        required_from="never",
        rules=(
            AccessRule(path="/admin/help", second_factor=False),
            AccessRule(path="/admin", second_factor=True),
        ),
    )
    browser = browser_of("alice", wrapped(portal, policy=policy))
    assert browser.request("GET", path, headers=JSON).problem == "must_enroll"
    assert browser.request("GET", "/administrators", headers=JSON).status == 200
    assert browser.request("GET", "/admin/help", headers=JSON).status == 200


@pytest.mark.requirement("D3", "R41")
def test_the_sign_in_of_who_needs_none_yet_is_not_held(wrapped, portal, new_browser, sign_in, phone_of):
    policy = Policy(required_from="never", required_users=("chosen",))
    application = wrapped(
        portal, identity=FlaskSession(portal.secret_key, user_key="_user_id"), policy=policy
    )
    browser = new_browser(application)
    assert sign_in(browser, "alice").text == "welcome to /sign-in"
    assert browser.open("/").page.name == "reminder"
    assert sign_in(new_browser(application), "chosen").status == 303
    browser.enroll("/mfa/enroll", phone_of)
    held = sign_in(new_browser(application), "alice")
    assert (held.status, held.body) == (303, b"")


def test_who_signed_out_on_the_reminder_may_sign_in_again(wrapped, portal, new_browser, sign_in):
    application = wrapped(
        portal,
        identity=FlaskSession(portal.secret_key, user_key="_user_id"),
        policy=Policy(required_from="never"),
    )
    browser = new_browser(application)
    sign_in(browser, "alice")
    assert browser.submit(browser.open("/"), "/sign-out").page.outcome == "signed_out"
    sign_in(browser, "alice")
    assert browser.open("/").page.name == "reminder"


@pytest.mark.parametrize(
    "settings", [{"reminder_seconds": 0}, {"enrollment": "closed"}], ids=["no reminders", "closed"]
)
def test_nobody_is_reminded_of_what_the_policy_does_not_want_or_allow(wrapped, portal, browser_of, settings):
    application = wrapped(portal, policy=Policy(required_from="never", **settings))
    assert browser_of("alice", application).navigate("/").text == "welcome to /"


def test_over_plain_http_nobody_is_led_to_a_page_that_is_refused_there(browser_of, application):
    assert browser_of("alice", application, origin="http://portal.example").navigate("/").status == 200


def test_a_program_may_ask_and_put_it_off_too(laptop, moment):
    asked = laptop.get_json("/mfa/reminder").json
    assert asked == {"outcome": "may_enroll", "required_from": moment(10 * DAY), "next": "/"}
    assert laptop.post_json("/mfa/reminder", {}).json == {"outcome": "may_enroll", "next": "/"}
    assert laptop.get_json("/mfa/continue").json == {"outcome": "may_enroll", "next": "/"}


@pytest.mark.requirement("R73")
def test_another_site_cannot_put_it_off(laptop, memory_store):
    page = laptop.open("/")
    form = page.page.form("/reminder")
    assert laptop.post_form(form.action, form.fields, {"Sec-Fetch-Site": "cross-site"}).status == 403
    assert laptop.post_form(form.action, {**form.fields, "csrf": "x"}).status == 403
    assert memory_store.load("alice") is None
