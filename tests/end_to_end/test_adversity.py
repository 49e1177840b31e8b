"""Servers in trouble, or beside each other on one database: what was told is kept, and nobody gets in by it."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.any_python

resource = pytest.importorskip("resource")


@pytest.fixture
def set_up(phone_of):
    """``set_up(demo)``: an account with a phone, as ``user, password, phone, recovery code``."""

    def enroll(demo):
        user, password = demo.account(0)
        person = demo.person()
        person.sign_in(user, password)
        person.press("Trouble scanning?")
        phone = phone_of(person.page.by_id["key"])
        person.enter_code(phone.code(-1))
        return user, password, phone, person.store_recovery_code()

    return enroll


@pytest.mark.requirement("R6", "R16", "R49")
def test_two_portals_on_one_database_take_a_code_once_and_no_session_of_the_other(
    start_demo, set_up, seconds_in_hand
):
    first = start_demo()
    second = start_demo("--portal", "webob")
    user, password, phone, _ = set_up(first)
    here, there = first.person(), second.person()
    here.sign_in(user, password)
    there.sign_in(user, password)
    seconds_in_hand(10)
    code = phone.code()
    here.enter_code(code)
    assert f"Welcome, {user}" in here.page.words
    there.enter_code(code)
    assert there.status == 422

    stolen = {cookie.name: cookie for cookie in here.cookies}[f"wsgi_mfa_session_{first.port}"]
    stolen.name = f"wsgi_mfa_session_{second.port}"
    there.cookies.set_cookie(stolen)
    there.open("/")
    assert "Code from the app" in " ".join(there.page.labels)


@pytest.mark.requirement("R80", "R17")
@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="limits of another process are Linux's")
def test_a_disk_without_room_lets_nobody_in_and_takes_nothing_away(start_demo, set_up, seconds_in_hand):
    demo = start_demo()
    user, password, phone, recovery_code = set_up(demo)
    person = demo.person()
    person.sign_in(user, password)
    seconds_in_hand(10)
    code = phone.code()
    # No file of the demo grows any more, as on a full disk.
    before = resource.prlimit(demo.process.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    person.enter_code(code)
    assert person.status == 503
    stranger = demo.person()
    stranger.sign_in(*demo.account(1))
    stranger.open("/reports")
    assert "Reports" not in stranger.page.words

    resource.prlimit(demo.process.pid, resource.RLIMIT_FSIZE, before)
    again = demo.person()
    again.sign_in(user, password)
    again.enter_code(code)
    assert f"Welcome, {user}" in again.page.words
    late = demo.person()
    late.sign_in(user, password)
    late.recover(recovery_code)
    assert late.store_recovery_code() != recovery_code
