"""The portal's help page, lived through by its words: in one process, and at the demo over HTTP."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

import pytest

pytestmark = pytest.mark.any_python


@pytest.fixture(params=["in process", "demo"])
def place(request, place_of):
    return place_of(request.param)


def key_for_typing(person):
    person.press("Trouble scanning?")
    return person.page.by_id["key"]


@pytest.mark.requirement("R26", "R28", "R33", "R45", "R87")
def test_a_user_sets_up_signs_in_loses_the_phone_and_gets_a_new_one(place, phone_of, seconds_in_hand):
    user, password = place.accounts[0]
    person = place.person()
    seconds_in_hand(15)

    # Set up, by the QR code's own address.
    person.sign_in(user, password)
    assert "Scan this code with your authenticator app" in person.page.words
    uri = urlsplit(person.page.links["Open in my authenticator app"])
    assert (uri.scheme, uri.netloc) == ("otpauth", "totp")
    phone = phone_of(parse_qs(uri.query)["secret"][0])
    person.enter_code(phone.code(-1))
    first_code = person.store_recovery_code()
    assert f"Welcome, {user}" in person.page.words
    person.press("Sign out")

    # Sign in with a code.
    person.sign_in(user, password)
    assert "Enter your code" in person.page.words
    assert "a new code was due in" in person.page.words
    person.enter_code(phone.code())
    assert f"Welcome, {user}" in person.page.words
    person.press("Sign out")

    # Sign in with the recovery code, and get another one.
    person.sign_in(user, password)
    person.recover(first_code)
    assert "Your old recovery code is used up" in person.page.words
    second_code = person.store_recovery_code()
    assert second_code != first_code
    assert f"Welcome, {user}" in person.page.words

    # Another browser with the used code.
    other = place.person()
    other.sign_in(user, password)
    other.recover(first_code)
    assert (other.status, "That recovery code is not right" in other.page.words) == (422, True)

    # A new phone.
    done, told = place.reset(user, "someone.else@example.com")
    assert not done
    assert "does not match" in told
    person.open("/reports")
    assert "Reports" in person.page.words
    done, told = place.reset(user, user)
    assert done, told
    assert "must enroll anew" in told


@pytest.mark.requirement("R39", "R45")
def test_a_user_who_cannot_scan_types_the_key_and_has_the_phone_reset_later(place, phone_of, seconds_in_hand):
    user, password = place.accounts[1]
    person = place.person()
    seconds_in_hand(15)
    person.sign_in(user, password)
    key = key_for_typing(person)
    assert re.fullmatch(r"([A-Z2-7]{4} ){7}[A-Z2-7]{4}", key)
    assert person.page.by_id["account"] == user
    assert "Time-based" in person.page.words
    old = phone_of(key)
    person.enter_code(old.code(-1))
    old_code = person.store_recovery_code()
    assert f"Welcome, {user}" in person.page.words

    done, told = place.reset(user, user.upper())
    assert done, told
    assert "needs the enrollment code" not in told  # nobody had guessed
    person.open("/reports")
    assert "Set up your authenticator app" in person.page.words  # the session is dead at that moment
    new_key = key_for_typing(person)
    assert new_key != key
    person.enter_code(old.code())
    assert person.status == 422
    new = phone_of(new_key)
    person.enter_code(new.code())
    person.store_recovery_code()
    assert "Reports" in person.page.words  # the page first asked for

    late = place.person()
    late.sign_in(user, password)
    late.enter_code(old.code(1))
    assert late.status == 422
    late.recover(old_code)
    assert (late.status, "That recovery code is not right" in late.page.words) == (422, True)


@pytest.mark.requirement("D15", "R41")
def test_a_reset_after_somebody_guessed_asks_for_the_code_that_the_desk_was_given(place, phone_of):
    user, password = place.accounts[2]
    victim, thief = place.person(), place.person()
    victim.sign_in(user, password)
    phone = phone_of(key_for_typing(victim))
    victim.enter_code(phone.code())
    victim.store_recovery_code()
    thief.sign_in(user, password)
    near = {phone.code(steps) for steps in range(-3, 4)}
    thief.enter_code(next(guess for guess in ("111111", "222222", "333333") if guess not in near))
    assert thief.status == 422

    done, told = place.reset(user, user)
    assert done
    assert "password must be changed first" in told
    code = re.search(r"enrollment code: (\S+)", told).group(1)
    thief.open("/")
    assert "Type the code from the support desk" in thief.page.words
    assert "otpauth" not in thief.page.html
    victim.open("/reports")
    victim.type("One-time code", code.lower())
    victim.press("Continue")
    assert "Scan this code with your authenticator app" in victim.page.words
    thief.type("One-time code", code)
    thief.press("Continue")
    assert thief.status == 422  # it works for one browser
    victim.enter_code(phone_of(key_for_typing(victim)).code())
    victim.store_recovery_code()
    assert "Reports" in victim.page.words


@pytest.mark.requirement("R36", "R49", "R72")
def test_a_thief_with_the_password_sees_another_key_and_never_the_portal(place, phone_of):
    user, password = place.accounts[3]
    victim, thief = place.person(), place.person()
    victim.sign_in(user, password)
    thief.sign_in(user, password)
    key, thiefs_key = key_for_typing(victim), key_for_typing(thief)
    assert key != thiefs_key
    victim.enter_code(phone_of(key).code())
    victim.store_recovery_code()
    assert f"Welcome, {user}" in victim.page.words
    thief.enter_code(phone_of(thiefs_key).code())
    assert thief.status == 403
    assert "This QR code no longer counts" in thief.page.words
    for address in ("/", "/reports", "/orders", "/download"):
        thief.open(address)
        assert "Enter your code" in thief.page.words
