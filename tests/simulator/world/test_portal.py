"""Stories around portals of somebody else's."""

from __future__ import annotations

import re
import sys
import time

import pytest

from legacy_portals import PortalUser, make_portal, make_ticket_portal
from mfa_simulator.errors import PortalError
from mfa_simulator.language.quantities import SECOND
from mfa_simulator.play.running import play
from mfa_simulator.play.timeline import timeline
from mfa_simulator.world.clocks import frozen_wall_clock
from mfa_simulator.world.portal import Portal, imported_factory, portal_of
from wsgi_mfa import AuthTkt, FlaskSession
from wsgi_mfa.web import gate

USERS = {"ann": PortalUser(name="ann", password="correct horse")}
SECRET = "a secret that is long enough for a ticket"
A_DAY = """\
- enroll: {user: user1, browser: laptop, phone: pixel}
- sign_out: {browser: laptop}
- wait: 1m
- sign_in: {user: user1, browser: laptop, phone: pixel}
- steal_cookie: {user: user1, browser: thief}
- support_reset: {user: user1, email: user1@example.com, reason: new phone}
- visit: {browser: laptop, path: /orders}
  expect: {outcome: must_enroll, app_called: no}
"""


def ticket_portal(users, secret_key):
    return Portal(
        application=make_ticket_portal(users, secret_key),
        identity=AuthTkt(secret_key),
        cookie="auth_tkt",
        home="/orders",
    )


@pytest.fixture
def played_around(scenario_of):
    """``played_around(factory, steps)``: a story around the portal that a factory makes."""

    def run(factory, steps=A_DAY):
        scenario = scenario_of(steps)
        with frozen_wall_clock(scenario.start) as wall:
            return play(scenario, wall, factory=factory)

    return run


def test_a_story_goes_around_another_portal_with_another_adapter(played_around):
    played = played_around(ticket_portal)
    assert not played.failed, timeline(played)
    assert [moment.found.outcome for moment in played.moments] == [
        *("signed_in", "signed_out", None, "signed_in", "must_verify", "reset", "must_enroll")
    ]


def test_the_invariants_know_the_passwords_of_another_portal_too(played_around, monkeypatch):
    monkeypatch.setattr(gate, "challenge", lambda request: (request, None))
    steps = "- password: {user: user1, browser: laptop}\n- visit: {browser: laptop, path: /orders}\n"
    played = played_around(ticket_portal, steps)
    assert {broken.invariant for moment in played.moments for broken in moment.broken} >= {"both_factors"}


def test_an_application_alone_is_taken_for_one_with_a_flask_session():
    portal = portal_of(make_portal, USERS, SECRET)
    assert isinstance(portal.identity, FlaskSession)
    assert (portal.cookie, portal.home, portal.sign_out) == ("session", "/", "/sign-out")


def test_a_portal_may_say_where_its_pages_are(played_around):
    def moved(users, secret_key):
        portal = make_portal(users, secret_key)

        def application(environ, start_response):
            if environ["PATH_INFO"] == "/leave":
                environ["PATH_INFO"] = "/sign-out"
            return portal(environ, start_response)

        return Portal(
            application=application, identity=FlaskSession(secret_key, user_key="_user_id"), sign_out="/leave"
        )

    played = played_around(moved, "- sign_out: {user: user1, browser: laptop}\n")
    assert played.moments[0].exchanges[0].request.path == "/leave"


def test_a_portal_may_give_everybody_another_cookie_when_they_sign_out(played_around):
    def with_a_greeting(users, secret_key):
        portal = make_portal(users, secret_key)

        def application(environ, start_response):
            def start(status, headers, exc_info=None):
                if environ["PATH_INFO"] == "/sign-out":
                    headers = [pair for pair in headers if pair[0] != "Set-Cookie"]
                    headers.append(("Set-Cookie", "session=of-nobody; Path=/"))
                return start_response(status, headers, exc_info)

            return portal(environ, start)

        return application

    played = played_around(with_a_greeting)
    assert not played.failed, timeline(played)


def test_a_portal_is_made_at_the_storys_own_time(scenario_of):
    made_at = []

    def dated(users, secret_key):
        made_at.append(time.time())
        return make_portal(users, secret_key)

    scenario = scenario_of("- wait: 1h\n- restart:\n")
    with frozen_wall_clock(0) as wall:
        for _ in range(2):
            play(scenario, wall, factory=dated)
    start = scenario.start / SECOND
    assert made_at == [start, start + 3600] * 2


def fails(users, secret_key):
    raise RuntimeError("no database")


@pytest.mark.parametrize(
    ("factory", "told"),
    [
        (fails, r"the factory FACTORY:fails raised RuntimeError: no database \(.*test_portal.py:\d+\)"),
        (lambda users, secret_key: None, r"gave NoneType: legal is a WSGI application, or a mfa_simulator"),
    ],
)
def test_a_factory_that_makes_no_portal_is_told_of(factory, told):
    with pytest.raises(PortalError) as caught:
        portal_of(factory, USERS, SECRET)
    assert re.search(told, str(caught.value).replace(__name__, "FACTORY"))


def test_a_portal_that_the_middleware_refuses_is_told_of(played_around):
    class Unready(FlaskSession):
        def selftest(self):
            return ["there is no table of sessions"]

    def broken(users, secret_key):
        return Portal(
            application=make_portal(users, secret_key), identity=Unready(secret_key, user_key="_user_id")
        )

    crash = played_around(broken).crash
    assert crash.is_portal
    assert "the middleware refuses the portal: " in crash.message
    assert "no table of sessions" in crash.message


@pytest.fixture
def module(tmp_path, monkeypatch):
    """``module(text)``: the name of a new module with this text in the current folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [path for path in sys.path if path])
    before = set(sys.modules)

    def write(text):
        (tmp_path / "a_portal_of_mine.py").write_text(text, encoding="utf-8")
        return "a_portal_of_mine"

    yield write
    for name in set(sys.modules) - before:
        if name == "a_portal_of_mine":
            del sys.modules[name]


def test_a_factory_is_found_in_the_current_folder(module):
    name = module(
        "class Portals:\n    @staticmethod\n    def make(users, secret_key):\n        return print\n"
    )
    assert portal_of(imported_factory(f"{name}:Portals.make"), USERS, SECRET).application is print


@pytest.mark.parametrize(
    ("text", "ending", "told"),
    [
        ("", "", "a_portal_of_mine is not MODULE:FACTORY, such as myportal.stories:make_portal"),
        ("", ":make", "the module a_portal_of_mine has no make"),
        (
            "make = 1\n",
            ":make",
            "a_portal_of_mine:make cannot be called: a factory takes the users and a secret",
        ),
        (
            "import nothing_of_this_name\n",
            ":make",
            "cannot be imported: ModuleNotFoundError: No module named 'nothing_of_this_name'",
        ),
        (
            "1 / 0\n",
            ":make",
            "cannot be imported: ZeroDivisionError: division by zero",
        ),
    ],
)
def test_a_factory_that_cannot_be_had_is_told_of(module, text, ending, told):
    with pytest.raises(PortalError) as caught:
        imported_factory(module(text) + ending)
    assert told in str(caught.value)
