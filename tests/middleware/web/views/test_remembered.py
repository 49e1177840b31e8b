"""Remembered browsers through the pages: the box, the next sign-in, signing out, and programs."""

from __future__ import annotations

import pytest

from wsgi_mfa import AccessRule, Policy
from wsgi_mfa.web.browser_cookie import label_of

USER = "user1@example.com"
BROWSER, SESSION = "__Host-wsgi_mfa_browser_portal", "__Host-wsgi_mfa_session_portal"


@pytest.fixture
def application(wrapped, portal, notices):
    rules = (AccessRule(path="/transfers", max_age_seconds=3600),)
    policy = Policy(remembered_browser_days=30, rules=rules)
    return wrapped(portal, notify=notices.append, policy=policy)


@pytest.fixture
def phone(laptop, bind_phone):
    return bind_phone(laptop)


@pytest.fixture
def remembered(laptop, phone, clock):
    """The laptop has ticked the box, and its session has gone since."""
    laptop.cookies.pop(SESSION)
    laptop.submit(laptop.open("/reports"), "/verify", code=phone.code())
    laptop.cookies.pop(SESSION)
    clock.wait(3600)
    return laptop


def kept(application):
    return application.service.store.load(USER).remembered_browsers


@pytest.mark.requirement("R55", "R59")
def test_a_browser_whose_box_was_ticked_is_asked_for_no_code(remembered, portal, clock):
    done = remembered.open("/reports/3")
    assert (done.page.name, done.page.outcome) == ("continue", "signed_in")
    assert remembered.navigate("/reports/3").text == "welcome to /reports/3"
    assert portal.calls[-1]["wsgi_mfa.method"] == "remembered_browser"
    assert portal.calls[-1]["wsgi_mfa.verified_at"] < clock.now() // 1_000_000 - 3000


@pytest.mark.requirement("R55")
def test_the_box_is_not_ticked_and_who_leaves_it_so_is_asked_again(laptop, phone, application):
    laptop.cookies.pop(SESSION)
    page = laptop.open("/")
    assert 'name="remember" value="yes" aria' in page.text
    assert "checked" not in page.text
    assert "for 30 days" in page.page.words
    answer = laptop.submit_only(page, "/verify", tick=False, code=phone.code())
    lines = {text.partition("=")[0]: text for text in answer.all("Set-Cookie")}
    assert "Max-Age" not in lines[BROWSER]
    assert "Max-Age" not in lines[SESSION]
    assert kept(application) == ()
    laptop.cookies.pop(SESSION)
    assert laptop.open("/").page.name == "verify"


@pytest.mark.requirement("R53", "R55")
def test_only_a_remembered_browsers_cookie_outlives_the_browser(laptop, phone):
    laptop.cookies.pop(SESSION)
    answer = laptop.submit_only(laptop.open("/"), "/verify", code=phone.code())
    lines = {text.partition("=")[0]: text for text in answer.all("Set-Cookie")}
    assert "; Max-Age=2592000;" in lines[BROWSER]
    assert "Max-Age" not in lines[SESSION]


@pytest.mark.requirement("R40", "R55", "R78")
def test_a_page_that_needs_a_fresh_code_asks_for_one(remembered):
    remembered.open("/")
    page = remembered.open("/transfers")
    assert (page.page.name, page.page.outcome) == ("verify", "step_up_required")
    assert 'name="remember"' not in page.text
    assert remembered.open("/mfa/enroll").page.outcome == "step_up_required"


@pytest.mark.requirement("R55")
def test_a_copied_cookie_is_found_out_and_the_user_told(remembered, application, browser_of, notices, clock):
    thief = browser_of(USER, application)
    thief.cookies[BROWSER] = remembered.cookies[BROWSER]
    assert thief.open("/").page.outcome == "signed_in"
    clock.wait(61)
    assert remembered.open("/").page.outcome == "must_verify"
    assert thief.open("/").page.outcome == "must_verify"
    assert [event.kind for event in notices][-2:] == ["remembered_browser.added", "remembered_browser.reused"]


@pytest.mark.requirement("R51", "R55")
def test_another_user_in_the_same_browser_is_asked_and_both_may_be_remembered(
    remembered, application, phone_of, clock
):
    remembered.environ["REMOTE_USER"] = "user2@example.com"
    phone = remembered.enroll("/", phone_of)
    clock.wait_for_step()
    remembered.cookies.pop(SESSION)
    page = remembered.open("/")
    assert page.page.outcome == "must_verify"
    remembered.submit(page, "/verify", code=phone.code())
    for user in (USER, "user2@example.com"):
        remembered.environ["REMOTE_USER"] = user
        remembered.cookies.pop(SESSION, None)
        assert remembered.open("/").page.outcome == "signed_in"


@pytest.mark.requirement("D19", "R55")
def test_our_sign_out_keeps_it_or_forgets_it(remembered, application):
    page = remembered.open("/mfa/help")
    remembered.open("/")
    page = remembered.open("/mfa/help")
    assert 'name="forget"' in page.text
    remembered.submit(page, "/sign-out", tick=False)
    assert len(kept(application)) == 1
    assert remembered.open("/").page.outcome == "signed_in"
    remembered.submit(remembered.open("/mfa/help"), "/sign-out")
    assert kept(application) == ()
    assert remembered.open("/").page.outcome == "must_verify"


@pytest.mark.requirement("R55", "R77")
def test_a_program_is_offered_it_and_may_take_it(laptop, phone, application, clock):
    laptop.cookies.pop(SESSION)
    assert laptop.get_json("/mfa/verify").json == {"outcome": "must_verify", "remembered_browser_days": 30}
    rejected = laptop.post_json("/mfa/verify", {"code": phone.code(), "remember": "yes"})
    assert rejected.status == 400
    assert laptop.post_json("/mfa/verify", {"code": phone.code(), "remember": True}).status == 200
    laptop.cookies.pop(SESSION)
    assert laptop.get_json("/mfa/verify").json["outcome"] == "signed_in"
    assert laptop.post_json("/mfa/sign-out", {"forget": True}).status == 200
    assert kept(application) == ()


@pytest.mark.requirement("R47", "R55")
def test_a_user_sees_the_remembered_browsers_and_forgets_one(remembered, application, tablet, phone):
    assert tablet.open("/mfa/account").page.name == "verify"
    tablet.submit(tablet.open("/mfa/account"), "/verify", tick=False, code=phone.code())
    page = tablet.open("/mfa/account")
    assert (page.page.name, page.status) == ("account", 200)
    assert "(this browser)" not in page.page.words
    (shown,) = tablet.get_json("/mfa/account").json["remembered_browsers"]
    assert (shown["label"], shown["this_browser"]) == ("A browser on another system", False)
    assert tablet.post_json("/mfa/account", {"browser": "0" * 32}).status == 404
    assert tablet.post_json("/mfa/account", {}).status == 400
    assert len(kept(application)) == 1
    form = next(each for each in page.page.forms if "browser" in each.fields)
    tablet.post_form("/mfa/account", form.fields)
    assert kept(application) == ()
    assert remembered.open("/").page.outcome == "must_verify"
    assert "No browser is remembered" in tablet.open("/mfa/account").page.words


@pytest.mark.requirement("R55")
def test_all_are_forgotten_at_once_and_the_session_that_asks_goes_on(remembered, application):
    remembered.open("/")
    assert "(this browser)" in remembered.open("/mfa/account").page.words
    assert remembered.post_json("/mfa/account", {"browser": "all"}).json["outcome"] == "signed_in"
    assert kept(application) == ()
    assert remembered.navigate("/reports").text == "welcome to /reports"


@pytest.mark.requirement("R54", "R55")
@pytest.mark.parametrize("change", ["cut", "longer", "other", "swapped", "empty"])
def test_a_changed_cookie_remembers_nobody_and_ends_nothing(remembered, application, change):
    store, body, *signed = remembered.cookies[BROWSER].split(".")
    browser, held = body.split("-")
    bodies = {
        "cut": f"{browser}-{held[:-1]}",
        "longer": f"{browser}-{held}0",
        "other": f"{browser}-{held[:32]}{'0' * 32}",
        "swapped": f"{held[:32]}-{held}",
        "empty": f"{browser}-",
    }
    remembered.cookies[BROWSER] = ".".join((store, bodies[change], *signed))
    assert remembered.open("/").page.outcome == "must_verify"
    assert len(kept(application)) == 1


@pytest.mark.requirement("R55", "R83")
def test_neither_account_nor_events_nor_log_hold_the_secret(remembered, application, caplog):
    caplog.set_level("DEBUG")
    remembered.open("/")
    _, body, *_ = remembered.cookies[BROWSER].split(".")
    secret = body.split("-")[1][32:]
    told = [repr(application.service.store.load(USER)), caplog.text]
    told += [repr(event) for event in application.service.store.events(USER)]
    assert not any(secret in text for text in told)


@pytest.mark.requirement("R55")
def test_the_user_agent_is_named_in_words_of_our_own():
    assert label_of("Mozilla/5.0 (Windows NT 10.0) Gecko/20100101 Firefox/128.0") == "Firefox on Windows"
    assert label_of("Mozilla/5.0 (Macintosh) Chrome/126.0 Safari/537.36 Edg/126.0") == "Edge on a Mac"
    assert label_of("<script>\r\nX: y") == "A browser on another system"
