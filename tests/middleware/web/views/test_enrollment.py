"""Setting up a phone: the QR code, the key for typing, and the code that proves it."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from wsgi_mfa import Policy

USER = "user1@example.com"


def sessions_of(application, user=USER):
    return application.service.store.load(user).sessions


@pytest.mark.requirement("R38", "R39", "R72")
def test_the_first_visit_shows_a_qr_code_and_does_not_call_the_portal(laptop, portal, pressed):
    page = laptop.open("/reports?year=2026")
    assert (page.status, page.page.name, page.page.outcome) == (200, "enroll", "must_enroll")
    assert '<svg class="qr"' in page.text
    assert pressed(page, "Trouble scanning?").startswith("/mfa/enroll/manual?next=")
    assert "Continue" in page.page.words
    assert portal.calls == []


@pytest.mark.requirement("R39")
def test_the_key_for_typing_is_the_one_of_the_qr_code(laptop, pressed, key_on):
    page = laptop.open("/")
    manual = laptop.open(pressed(page, "Trouble scanning?"))
    assert manual.page.name == "enroll_manual"
    assert key_on(manual) == key_on(page)
    assert manual.page.by_id["account"] == USER
    assert "Time-based" in manual.page.words
    groups = manual.page.by_id["key"].split(" ")
    assert [len(group) for group in groups] == [4] * 8


@pytest.mark.requirement("R34", "R36")
@pytest.mark.parametrize("path", ["/mfa/enroll", "/mfa/enroll/manual"])
def test_a_reload_and_a_wrong_code_keep_the_key(laptop, phone_of, key_on, clock, path):
    page = laptop.open(path)
    key = key_on(page)
    for number in range(3):
        wrong = laptop.submit(page, path, code=phone_of(key).wrong_code(number))
        assert (wrong.status, wrong.page.outcome) == (422, "wrong_code")
        assert "That code is not right" in wrong.page.words
        assert key_on(wrong) == key
        clock.wait(60)
        page = laptop.open(path)
        assert key_on(page) == key


@pytest.mark.requirement("R35")
def test_nothing_is_active_until_a_right_code_came(laptop, tablet, application, portal, phone_of, key_on):
    page = laptop.open("/")
    laptop.submit(page, "/enroll", code=phone_of(key_on(page)).wrong_code())
    assert application.service.store.load(USER).authenticator is None
    assert laptop.open("/").page.name == "enroll"
    assert tablet.open("/").page.name == "enroll"
    assert portal.calls == []


@pytest.mark.requirement("R26", "D13")
def test_a_right_code_shows_the_recovery_code_and_the_tick_leads_to_the_page_first_asked_for(
    laptop, portal, phone_of, key_on
):
    page = laptop.open("/reports?year=2026")
    saving = laptop.submit(page, "/enroll", code=phone_of(key_on(page)).code())
    assert (saving.page.name, saving.page.outcome) == ("recovery_code", "must_save_recovery_code")
    assert laptop.open("/reports").page.name == "recovery_code"  # still in between
    assert portal.calls == []
    done = laptop.submit(saving, "/recovery-code")
    assert (done.page.name, done.page.outcome) == ("continue", "signed_in")
    assert done.page.refresh == "0;url=/reports?year=2026"
    assert "/reports?year=2026" in done.page.links
    assert laptop.navigate("/reports?year=2026").text == "welcome to /reports"
    call = portal.calls[-1]
    assert (call["wsgi_mfa.user"], call["wsgi_mfa.method"]) == (USER, "code")


@pytest.mark.requirement("R35", "R36")
def test_two_browsers_never_see_the_same_key(laptop, tablet, key_on):
    first = laptop.open("/")
    assert key_on(first) != key_on(tablet.open("/"))
    assert key_on(laptop.open("/")) == key_on(first)


@pytest.mark.requirement("R35")
def test_the_key_of_another_browser_cannot_be_confirmed(laptop, tablet, application, phone_of, key_on):
    mine, others = laptop.open("/"), tablet.open("/")
    code = phone_of(key_on(mine)).code()
    form = others.page.forms[0].fields | {"pending": mine.page.forms[0].fields["pending"], "code": code}
    rejected = tablet.post_form("/mfa/enroll", form)
    assert (rejected.status, rejected.page.outcome) == (403, "refused")
    assert "Something has changed meanwhile" in rejected.page.words
    assert tablet.submit(others, "/enroll", code=code).page.outcome == "wrong_code"
    assert application.service.store.load(USER).authenticator is None


@pytest.mark.requirement("R36", "D12")
def test_starting_again_makes_a_new_key_and_kills_the_old_one(laptop, application, phone_of, key_on, clock):
    old = laptop.open("/")
    restart = next(form for form in old.page.forms if form.fields.get("action") == "restart")
    new = laptop.follow(laptop.post_form(restart.action, restart.fields))
    assert new.page.name == "enroll"
    assert key_on(new) != key_on(old)
    code = phone_of(key_on(old)).code()
    rejected = laptop.submit(old, "/enroll", code=code)  # the old page in another tab
    assert (rejected.status, rejected.page.outcome) == (403, "refused")
    assert laptop.submit(new, "/enroll", code=code).page.outcome == "wrong_code"
    assert application.service.store.load(USER).authenticator is None
    saving = laptop.submit(new, "/enroll", code=phone_of(key_on(new)).code())
    assert saving.page.outcome == "must_save_recovery_code"


@pytest.mark.requirement("R36")
def test_a_key_lives_ten_minutes(laptop, phone_of, key_on, clock, pressed):
    old = laptop.open("/")
    clock.wait(600)
    rejected = laptop.submit(old, "/enroll", code=phone_of(key_on(old)).code())
    assert (rejected.status, rejected.page.outcome) == (403, "refused")
    assert "This QR code no longer counts" in rejected.page.words
    assert "good for 10 minutes" in rejected.page.words
    assert key_on(laptop.open(pressed(rejected, "Get a new QR code"))) != key_on(old)


@pytest.mark.requirement("R36")
def test_the_page_says_how_long_the_key_lives(laptop, clock):
    assert "good for 10 minutes," in laptop.open("/").page.words
    clock.wait(9 * 60 + 1)
    assert "good for 59 seconds," in laptop.open("/").page.words


@pytest.mark.requirement("R82", "D17")
def test_a_phone_that_is_hours_off_is_told_so(laptop, phone_of, key_on):
    page = laptop.open("/")
    phone = phone_of(key_on(page))
    phone.offset_seconds = 2 * 3600 + 10
    rejected = laptop.submit(page, "/enroll", code=phone.code())
    assert "wrong by whole hours" in rejected.page.words
    assert "some hours ahead" in rejected.page.words


@pytest.mark.requirement("R34", "R3")
def test_what_a_client_says_about_the_key_is_ignored(laptop, application, phone_of, key_on):
    page = laptop.open("/")
    forged = phone_of(b"attacker's own key!!")
    fields = page.page.form("/enroll").fields | {
        "secret": "MF2HIYLDNNSXEJ3TEBXXO3RANNSXSIJB",
        "key": "MF2HIYLDNNSXEJ3TEBXXO3RANNSXSIJB",
        "digits": "8",
        "algorithm": "SHA512",
        "period": "60",
    }
    assert laptop.post_form("/mfa/enroll", fields | {"code": forged.code()}).page.outcome == "wrong_code"
    accepted = laptop.post_form("/mfa/enroll", fields | {"code": phone_of(key_on(page)).code()})
    assert accepted.status == 303
    parameters = application.service.store.load(USER).authenticator.parameters
    assert (parameters.algorithm, parameters.digits, parameters.period_seconds) == ("SHA1", 6, 30)


@pytest.mark.requirement("D17")
@pytest.mark.parametrize(("offset_seconds", "hint"), [(-120, "clock_slow"), (120, "clock_fast")])
def test_a_phone_whose_clock_is_wrong_is_told_so_while_it_is_set_up(
    laptop, phone_of, key_on, offset_seconds, hint
):
    page = laptop.open("/")
    phone = phone_of(key_on(page), offset_seconds=offset_seconds)
    rejected = laptop.submit(page, "/enroll", code=phone.code())
    assert (rejected.status, rejected.page.outcome, rejected.page.data["hint"]) == (422, "wrong_code", hint)
    assert hint.removeprefix("clock_") in rejected.page.words


@pytest.mark.requirement("R8", "R21")
def test_what_is_no_code_is_refused_and_costs_nothing(laptop, application):
    page = laptop.open("/")
    for typed in ("", "12345", "1234567", "١٢٣٤٥٦", "1_2_3_4_5_6", "abcdef", "12345\x00"):
        rejected = laptop.submit(page, "/enroll", code=typed)
        assert (rejected.status, rejected.page.outcome) == (422, "wrong_code")
    assert application.service.store.load(USER).code_failures.consecutive_count == 0


@pytest.mark.requirement("D46")
def test_a_pending_key_has_ten_tries_and_then_another_key_is_shown(laptop, phone_of, key_on):
    page = laptop.open("/")
    phone = phone_of(key_on(page))
    for number in range(9):
        wrong = laptop.submit(page, "/enroll", code=phone.wrong_code(number))
        assert (wrong.status, key_on(wrong)) == (422, key_on(page))
    last = laptop.submit(page, "/enroll", code=phone.wrong_code(9))
    assert (last.status, key_on(last) == key_on(page)) == (422, False)
    assert laptop.submit(page, "/enroll", code=phone.code()).page.outcome == "refused"
    other = phone_of(key_on(last))
    assert laptop.submit(last, "/enroll", code=other.code()).page.outcome == "must_save_recovery_code"


@pytest.mark.requirement("D26")
def test_the_eleventh_key_within_an_hour_is_refused(laptop, clock):
    page = laptop.open("/")
    for _ in range(9):
        restart = next(form for form in page.page.forms if form.fields.get("action") == "restart")
        page = laptop.follow(laptop.post_form(restart.action, restart.fields))
        assert page.page.name == "enroll"
    rejected = laptop.post_form(restart.action, restart.fields)
    assert (rejected.status, rejected.page.outcome) == (429, "locked")
    assert "Too many new QR codes" in rejected.page.words
    assert rejected.header("Retry-After") == "3600"
    clock.wait(3600)
    assert laptop.follow(laptop.post_form(restart.action, restart.fields)).page.name == "enroll"


@pytest.mark.requirement("D10", "R29")
def test_a_confirmation_whose_reply_was_lost_can_be_sent_again(laptop, application, phone_of, key_on, clock):
    page = laptop.open("/")
    before = dict(laptop.cookies)
    code = phone_of(key_on(page)).code()
    first = laptop.submit_only(page, "/enroll", code=code)
    laptop.cookies = dict(before)  # the reply never arrived
    clock.wait(50)
    again = laptop.submit_only(page, "/enroll", code=code)
    assert again.status == first.status == 303
    assert again.set_cookies == first.set_cookies
    assert len(sessions_of(application)) == 1
    assert laptop.follow(again).page.name == "recovery_code"


@pytest.mark.requirement("R7", "D10")
def test_the_code_that_confirmed_is_used_up_for_every_other_browser(laptop, tablet, phone_of, key_on):
    page = laptop.open("/")
    phone = phone_of(key_on(page))
    laptop.submit(page, "/enroll", code=phone.code())
    asked = tablet.open("/")
    assert asked.page.outcome == "must_verify"
    assert tablet.submit(asked, "/verify", code=phone.code()).page.outcome == "used_code"


# JSON.


@pytest.mark.requirement("R77")
def test_a_json_client_gets_the_key_and_enrolls_with_it(laptop, portal, phone_of):
    challenge = laptop.get_json("/reports")
    assert (challenge.status, challenge.problem) == (401, "must_enroll")
    offer = laptop.get_json("/mfa/enroll")
    assert offer.header("Content-Type") == "application/json"
    uri = urlsplit(offer.json["otpauth_uri"])
    assert parse_qs(uri.query)["secret"] == [offer.json["key"]]
    assert offer.json == {
        "outcome": "must_enroll",
        "account": USER,
        "key": offer.json["key"],
        "otpauth_uri": offer.json["otpauth_uri"],
        "digits": 6,
        "period_seconds": 30,
    }
    phone = phone_of(offer.json["key"])
    wrong = laptop.post_json("/mfa/enroll", {"code": phone.wrong_code()})
    assert (wrong.status, wrong.problem) == (422, "wrong_code")
    accepted = laptop.post_json("/mfa/enroll", {"code": phone.code()})
    assert accepted.status == 200
    assert accepted.json == {
        "outcome": "must_save_recovery_code",
        "recovery_code": accepted.json["recovery_code"],
        "next": "/",
    }
    assert laptop.get_json("/reports").problem == "must_save_recovery_code"
    saved = laptop.post_json("/mfa/recovery-code", {"saved": True})
    assert (saved.status, saved.json) == (200, {"outcome": "signed_in", "next": "/"})
    assert laptop.get_json("/reports").text == "welcome to /reports"


# Pages that show a secret open in a window of their own only.


@pytest.mark.requirement("D13")
@pytest.mark.parametrize("destination", ["iframe", "embed", "object", "image", "script", "empty", ""])
@pytest.mark.parametrize("path", ["/mfa/enroll", "/mfa/enroll/manual"])
def test_the_key_is_shown_to_top_level_navigations_only(laptop, key_on, phone_of, path, destination):
    page = laptop.open(path)
    key, embedded = key_on(page), {"Sec-Fetch-Dest": destination}
    shown = laptop.navigate(path, headers=embedded)
    assert (shown.status, shown.page.name) == (403, "forbidden")
    wrong = page.page.form(path).fields | {"code": phone_of(key).wrong_code()}
    posted = laptop.post_form(path, wrong, headers=embedded)  # its answer would show the key again
    assert (posted.status, posted.page.name) == (403, "forbidden")
    assert key not in shown.text + posted.text


@pytest.mark.requirement("D13")
def test_the_key_is_not_given_to_scripts_in_a_browser(laptop):
    headers = {"Accept": "application/json", "Sec-Fetch-Site": "same-origin", "Sec-Fetch-Dest": "empty"}
    rejected = laptop.request("GET", "/mfa/enroll", headers=headers)
    assert (rejected.status, rejected.problem) == (403, "forbidden")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "Time-based (6 digits, every 30 seconds)"),
        ({"digits": 8}, "Time-based (8 digits, every 30 seconds)"),
        ({"algorithm": "SHA256", "period_seconds": 60}, "Time-based (6 digits, every 60 seconds, SHA256)"),
        ({"algorithm": "SHA512"}, "Time-based (6 digits, every 30 seconds, SHA512)"),
    ],
)
def test_the_page_for_typing_says_what_the_app_has_to_be_set_to(
    wrapped, portal, new_browser, settings, words
):
    browser = new_browser(wrapped(portal, policy=Policy(**settings)), environ={"REMOTE_USER": "alice"})
    page = browser.navigate("/mfa/enroll/manual").page
    assert words in page.words
    assert ("Set the type of key in your app before you type the key" in page.words) == bool(settings)
