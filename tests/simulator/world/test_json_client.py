"""A program at the JSON of the middleware's pages."""

from __future__ import annotations

import json

import pytest

from mfa_simulator.world.entropy import SeededEntropy
from mfa_simulator.world.http import Response
from mfa_simulator.world.json_client import JsonClient
from mfa_simulator.world.network import Network

SIGN_IN = b'<body><form method="post" action="/sign-in"><input type="password" name="password"></form>'


@pytest.fixture
def requests():
    """What the server got."""
    return []


@pytest.fixture
def program(true_time, requests, recorder, record):
    def deliver(request):
        requests.append(request)
        if request.path == "/":
            return Response(status=303, headers=(("Location", "/sign-in"),))
        if request.path == "/sign-in" and request.method == "GET":
            return Response(status=200, headers=(("Content-Type", "text/html"),), body=SIGN_IN)
        if request.path == "/sign-in":
            headers = (("Location", "/mfa/verify?next=x"), ("Set-Cookie", "session=1"))
            return Response(status=303, headers=headers, from_app=True)
        told = json.dumps({"outcome": "must_enroll", "key": "JBSWY3DP", "digits": 6})
        return Response(status=200, headers=(("Content-Type", "application/json"),), body=told.encode())

    network = Network(true_time, deliver=deliver, entropy=SeededEntropy(0, "network"), recorder=recorder)
    return JsonClient(name="client", network=network, time=true_time, recorder=recorder)


def test_it_follows_the_portal_to_its_sign_in_and_no_further_than_to_the_middleware(program, requests):
    program.open("/")
    assert program.submit(program.page_state.page.forms[0], {"password": "x"}) == "must_verify"
    assert [request.path for request in requests] == ["/", "/sign-in", "/sign-in"]


def test_it_asks_and_answers_in_json_with_the_browsers_cookies(program, requests):
    program.open("/")
    program.submit(program.page_state.page.forms[0], {"password": "x"})
    assert program.ask("enroll") == program.answer("enroll", code="123456") == "must_enroll"
    asked, answered = requests[-2:]
    assert (asked.method, answered.method, answered.body) == ("GET", "POST", b'{"code": "123456"}')
    for request in (asked, answered):
        headers = dict(request.headers)
        assert (headers["Accept"], headers["Cookie"]) == ("application/json", "session=1")
        assert not any(name.startswith("Sec-Fetch") for name in headers)


def test_it_reads_the_texts_of_the_last_reply(program):
    assert program.told("key") is None
    program.ask("enroll")
    assert (program.told("key"), program.told("digits"), program.told("other")) == ("JBSWY3DP", None, None)
