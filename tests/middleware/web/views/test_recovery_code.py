"""The page of the recovery code: shown until it is stored, never later, and to nobody else."""

from __future__ import annotations

import pytest

USER = "user1@example.com"


def shows_no_code(answer):
    return "recovery-code" not in answer.page.by_id


@pytest.mark.requirement("R26", "D13")
def test_without_the_tick_nobody_gets_on_and_the_code_stays(tablet, enrolled, portal, recover, code_on):
    saving = recover(tablet, enrolled[1])
    called = len(portal.calls)
    rejected = tablet.submit(saving, "/recovery-code", tick=False)
    assert (rejected.status, rejected.page.outcome) == (422, "must_save_recovery_code")
    assert "Tick the box once the code is stored" in rejected.page.words
    assert code_on(rejected) == code_on(saving)
    assert tablet.open("/reports").page.name == "recovery_code"
    assert len(portal.calls) == called


@pytest.mark.requirement("R26", "D13")
def test_after_the_tick_no_page_ever_shows_the_code_again(tablet, enrolled, recover):
    saving = recover(tablet, enrolled[1])
    tablet.submit(saving, "/recovery-code")
    shown = tablet.open("/mfa/recovery-code")
    assert (shown.status, shown.page.outcome) == (200, "signed_in")
    assert shows_no_code(shown)
    assert "cannot be shown again" in shown.page.words
    again = tablet.submit_only(saving, "/recovery-code", tick=False)
    assert shows_no_code(again)
    assert tablet.get_json("/mfa/recovery-code").json == {"outcome": "signed_in", "next": "/"}


@pytest.mark.requirement("R29", "D13")
def test_a_code_that_nobody_has_stored_is_shown_again_after_each_second_factor(
    tablet, enrolled, application, new_browser, notices, clock, recover, code_on
):
    phone, code = enrolled
    saving = recover(tablet, code)
    notices.clear()
    assert code_on(tablet.open("/")) == code_on(saving)  # a reload
    other = new_browser(application, environ={"REMOTE_USER": USER})
    shown = other.submit(other.open("/reports"), "/verify", code=phone.code())
    assert shown.page.outcome == "must_save_recovery_code"
    assert code_on(shown) == code_on(saving)
    assert [event.kind for event in notices] == ["recovery_code.shown"] * 2
    done = other.submit(shown, "/recovery-code")
    assert done.page.refresh == "0;url=/reports"
    assert tablet.navigate("/").text == "welcome to /"  # stored is stored, for both


@pytest.mark.requirement("D13")
def test_a_session_that_was_open_before_is_neither_stopped_nor_shown_the_code(
    laptop, tablet, enrolled, recover
):
    recover(tablet, enrolled[1])
    assert laptop.navigate("/").text == "welcome to /"
    assert shows_no_code(laptop.open("/mfa/recovery-code"))


@pytest.mark.requirement("D13")
def test_five_minutes_after_the_second_factor_the_code_is_shown_only_after_another_one(
    tablet, enrolled, clock, recover, code_on
):
    phone, code = enrolled
    saving = recover(tablet, code, url="/reports")
    clock.wait(299)
    assert code_on(tablet.open("/reports")) == code_on(saving)
    clock.wait(1)
    asked = tablet.open("/reports")
    assert (asked.page.name, asked.page.outcome) == ("verify", "step_up_required")
    shown = tablet.submit(asked, "/verify", code=phone.code())
    assert code_on(shown) == code_on(saving)
    assert tablet.submit(shown, "/recovery-code").page.refresh == "0;url=/reports"


@pytest.mark.requirement("D13", "D12")
def test_the_tick_is_still_taken_when_the_user_took_a_long_time_to_store_the_code(
    tablet, enrolled, clock, recover
):
    saving = recover(tablet, enrolled[1])
    clock.wait(1800)
    assert tablet.submit(saving, "/recovery-code").page.outcome == "signed_in"


@pytest.mark.requirement("D12")
def test_a_tick_for_a_code_that_was_replaced_meanwhile_is_refused(
    tablet, enrolled, application, new_browser, recover, code_on
):
    saving = recover(tablet, enrolled[1])
    other = new_browser(application, environ={"REMOTE_USER": USER})
    newer = recover(other, code_on(saving))
    rejected = tablet.submit(saving, "/recovery-code")
    assert (rejected.status, rejected.page.outcome) == (403, "refused")
    assert "Something has changed meanwhile" in rejected.page.words
    assert other.submit(newer, "/recovery-code").page.outcome == "signed_in"


@pytest.mark.requirement("D13")
def test_a_code_that_was_not_stored_for_a_month_is_replaced_rather_than_shown(
    tablet, enrolled, clock, recover, code_on
):
    phone, code = enrolled
    unsaved = code_on(recover(tablet, code))
    clock.wait(31 * 86_400)
    tablet.cookies.clear()
    shown = tablet.submit(tablet.open("/"), "/verify", code=phone.code())
    assert shown.page.outcome == "must_save_recovery_code"
    assert code_on(shown) not in (unsaved, code)


# Replacing the code.


def replacement_form(answer):
    return next(form for form in answer.page.forms if form.fields.get("action") == "replace")


@pytest.mark.requirement("R40", "R32")
def test_a_user_who_has_lost_the_code_makes_a_new_one(laptop, tablet, enrolled, notices, recover, code_on):
    _, old = enrolled
    notices.clear()
    form = replacement_form(laptop.open("/mfa/recovery-code"))
    saving = laptop.follow(laptop.post_form(form.action, form.fields))
    assert saving.page.outcome == "must_save_recovery_code"
    assert code_on(saving) != old
    laptop.submit(saving, "/recovery-code")
    assert [event.kind for event in notices] == ["recovery_code.replaced"]
    assert recover(tablet, old).status == 422


@pytest.mark.requirement("R40")
def test_a_new_recovery_code_needs_a_second_factor_of_the_last_five_minutes(laptop, enrolled, clock):
    phone, _ = enrolled
    form = replacement_form(laptop.open("/mfa/recovery-code"))
    clock.wait(300)
    page = laptop.open("/mfa/recovery-code")
    assert "confirm with a code from your app" in page.page.words
    asked = laptop.follow(laptop.post_form(form.action, form.fields))
    assert (asked.page.name, asked.page.outcome) == ("verify", "step_up_required")
    back = laptop.submit(asked, "/verify", code=phone.code())
    assert back.page.refresh == "0;url=/mfa/recovery-code"
    form = replacement_form(laptop.open("/mfa/recovery-code"))
    saving = laptop.follow(laptop.post_form(form.action, form.fields))
    assert saving.page.outcome == "must_save_recovery_code"


# Frames and scripts.


@pytest.mark.requirement("D13")
@pytest.mark.parametrize("destination", ["iframe", "empty", "image"])
def test_the_recovery_code_is_shown_to_top_level_navigations_only(
    tablet, enrolled, destination, recover, code_on
):
    saving = recover(tablet, enrolled[1])
    code, headers = code_on(saving), {"Sec-Fetch-Dest": destination}
    shown = tablet.navigate("/mfa/recovery-code", headers=headers)
    posted = tablet.post_form(
        "/mfa/recovery-code", saving.page.form("/recovery-code").fields, headers=headers
    )
    for answer in (shown, posted):
        assert (answer.status, answer.page.name) == (403, "forbidden")
        assert code not in answer.text


@pytest.mark.requirement("D13")
def test_a_script_in_a_browser_may_sign_in_but_is_not_told_the_new_code(tablet, enrolled):
    headers = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"}
    answer = tablet.post_json("/mfa/recover", {"recovery_code": enrolled[1]}, headers)
    assert answer.json == {"outcome": "must_save_recovery_code", "next": "/"}
    replaced = tablet.post_json("/mfa/recovery-code", {"action": "replace"}, headers)
    assert (replaced.status, replaced.problem) == (403, "forbidden")
