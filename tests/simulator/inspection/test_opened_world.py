"""A world that is opened is served to a real browser: its time goes on, and its forms are taken."""

from __future__ import annotations

import re
import threading
import urllib.request
from wsgiref.simple_server import make_server

import pytest

from mfa_simulator.inspection.moment import story_at
from mfa_simulator.inspection.opened_world import DESK, OpenedWorld
from mfa_simulator.language.parser import parse
from mfa_simulator.language.quantities import SECOND
from mfa_simulator.world.clocks import frozen_wall_clock
from mfa_simulator.world.http import Request, call

pytestmark = pytest.mark.any_python

STORY = """\
scenario: Half signed in
users: {ann: {password: correct horse, phones: {pixel: }}}
steps:
  - enroll: {user: ann, browser: laptop, phone: pixel}
  - wait: 2m
  - password: {user: ann, browser: tablet}
"""
ORIGIN = "http://127.0.0.1:8765"


class Clock:
    elapsed = 0


@pytest.fixture
def opened():
    (scenario,) = parse(STORY, file="story.mfa.yaml")
    clock = Clock()
    with (
        frozen_wall_clock(scenario.start) as wall,
        story_at(scenario, 99, wall) as moment,
    ):
        yield OpenedWorld(moment.world, origin=ORIGIN, elapsed=lambda: clock.elapsed), moment.world, clock


def asked(world, method, path, *, cookie="", body=b"", **headers):
    named = [("Host", "127.0.0.1:8765"), *headers.items()]
    if cookie:
        named.append(("Cookie", cookie))
    if body:
        named += [("Content-Type", "application/x-www-form-urlencoded"), ("Origin", ORIGIN)]
    return call(world, Request(method=method, url=ORIGIN + path, headers=tuple(named), body=body))


def cookies_of(response):
    return "; ".join(header.partition(";")[0] for header in response.headers_named("Set-Cookie"))


def test_the_first_page_offers_the_browsers_and_tells_how_everything_stands(opened):
    application, _, _ = opened
    page = asked(application, "GET", DESK)
    assert page.status == 200
    assert [f"{DESK}/as/{name}" in page.text for name in ("laptop", "tablet", "kiosk")] == [True, True, False]
    assert re.search(r"phone ann/pixel: .*code [0-9]{6} of step", page.text)


def test_the_cookies_of_a_browser_go_on_where_it_stood(opened):
    application, _, _ = opened
    laptop = asked(application, "GET", f"{DESK}/as/laptop")
    assert (laptop.status, laptop.header("Location")) == (303, "/")
    assert asked(application, "GET", "/", cookie=cookies_of(laptop)).status == 200
    tablet = cookies_of(asked(application, "GET", f"{DESK}/as/tablet"))
    challenge = asked(application, "GET", "/", cookie=tablet, Accept="text/html")
    assert challenge.status == 303
    assert challenge.header("Location").startswith("/mfa/verify")
    assert asked(application, "GET", f"{DESK}/as/kiosk").status == 404


def test_a_form_of_the_served_page_is_taken_and_leads_on(opened):
    application, world, _ = opened
    tablet = cookies_of(asked(application, "GET", f"{DESK}/as/tablet"))
    page = asked(application, "GET", "/mfa/verify", cookie=tablet)
    form = page.text.partition('<form method="post"')[2].partition("</form>")[0]
    tokens = re.findall(r'name="([a-z_]+)" value="([^"]*)"', form)
    code = world.phone("pixel").code()
    body = "&".join([*(f"{name}={value}" for name, value in tokens), f"code={code}"]).encode()
    answer = asked(application, "POST", "/mfa/verify", cookie=tablet, body=body)
    assert answer.status == 303
    assert "wsgi_mfa_session" in cookies_of(answer)


def test_time_goes_on_with_the_time_that_passes(opened):
    application, world, clock = opened
    began = world.time.now()
    clock.elapsed = 31 * SECOND
    asked(application, "GET", DESK)
    assert world.time.now() == began + 31 * SECOND
    clock.elapsed = 5 * SECOND
    asked(application, "GET", DESK)
    assert world.time.now() == began + 31 * SECOND


def test_a_name_of_the_story_cannot_put_markup_into_the_page(opened):
    application, world, _ = opened
    world.use_browser("<script>alert(1)</script>")
    assert "<script>" not in asked(application, "GET", DESK).text


def test_it_is_served_over_a_socket(opened):
    application, _, _ = opened
    server = make_server("127.0.0.1", 0, application)
    with server:
        thread = threading.Thread(target=server.handle_request, daemon=True)
        thread.start()
        with urllib.request.urlopen(f"http://127.0.0.1:{server.server_port}{DESK}", timeout=10) as reply:
            assert reply.status == 200
        thread.join(timeout=10)
