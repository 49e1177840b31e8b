"""The cookie jar, which lives in virtual time."""

from __future__ import annotations

import pytest

from mfa_simulator.language.quantities import SECOND, instant
from mfa_simulator.world.cookie_jar import CookieJar

NOW = instant("2026-01-01T00:00:00Z")


@pytest.fixture
def jar():
    return CookieJar()


def test_a_cookie_comes_back_as_it_was_set(jar):
    jar.store('session=a.b-c="x"; HttpOnly; Path=/', now=NOW)
    assert jar.header("/anything", now=NOW) == 'session=a.b-c="x"'


@pytest.mark.parametrize(
    "attribute",
    [
        "Max-Age=60",
        "Expires=Thu, 01 Jan 2026 00:01:00 GMT",
        "Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=60",
    ],
)
def test_a_cookie_expires_in_virtual_time(jar, attribute):
    jar.store(f"a=1; {attribute}", now=NOW)
    assert jar.header("/", now=NOW + 59 * SECOND) == "a=1"
    assert jar.header("/", now=NOW + 60 * SECOND) is None


@pytest.mark.parametrize("removal", ["a=; Max-Age=0", "a=x; Expires=Thu, 01 Jan 1970 00:00:00 GMT"])
def test_a_cookie_that_has_expired_removes_the_one_that_was_there(jar, removal):
    jar.store("a=1", now=NOW)
    jar.store(removal, now=NOW)
    assert jar.header("/", now=NOW) is None


def test_an_expiry_that_cannot_be_read_counts_as_none(jar):
    jar.store("a=1; Expires=soon; Max-Age=many", now=NOW)
    assert jar.header("/", now=NOW + 10**15) == "a=1"


def test_a_cookie_is_sent_to_its_path_only_and_longer_paths_come_first(jar):
    jar.store("site=1; Path=/", now=NOW)
    jar.store("part=2; Path=/mfa", now=NOW)
    assert jar.header("/mfa/verify", now=NOW) == "part=2; site=1"
    assert jar.header("/mfa", now=NOW) == "part=2; site=1"
    assert jar.header("/mfahead", now=NOW) == "site=1"


def test_closing_the_browser_leaves_what_was_to_stay(jar):
    jar.store("short=1", now=NOW)
    jar.store("long=2; Max-Age=600", now=NOW)
    jar.close()
    assert jar.header("/", now=NOW) == "long=2"


def test_a_thief_takes_only_the_cookie_of_one_name(jar):
    other = CookieJar()
    other.store("session=1", now=NOW)
    other.store("mfa=2", now=NOW)
    jar.take(other, now=NOW, name="session")
    assert jar.header("/", now=NOW) == "session=1"


def test_a_copy_has_a_life_of_its_own(jar):
    jar.store("a=1", now=NOW)
    copy = jar.copy()
    jar.store("a=2", now=NOW)
    assert copy.header("/", now=NOW) == "a=1"


@pytest.mark.parametrize("header", ["", "novalue", "=1"])
def test_what_is_no_cookie_is_not_kept(jar, header):
    jar.store(header, now=NOW)
    assert jar.header("/", now=NOW) is None
