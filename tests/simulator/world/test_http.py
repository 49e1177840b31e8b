"""The in-process call of an application."""

from __future__ import annotations

import sys
from wsgiref.validate import validator

import pytest

from mfa_simulator.world.http import Request, Response, call, environ_of


def test_a_request_becomes_the_environ_that_a_server_makes():
    request = Request(
        method="POST",
        url="http://127.0.0.1:8000/caf%C3%A9?q=a%20b",
        headers=(
            ("Content-Type", "text/plain"),
            ("Cookie", "a=1"),
            ("X-Thing", "2"),
            ("Content-Length", "99"),
        ),
        body=b"hello",
    )
    environ = environ_of(request)
    assert environ["PATH_INFO"] == "/caf\xc3\xa9"
    assert environ["QUERY_STRING"] == "q=a%20b"
    assert environ["CONTENT_LENGTH"] == "5"
    assert environ["CONTENT_TYPE"] == "text/plain"
    assert (environ["HTTP_COOKIE"], environ["HTTP_X_THING"]) == ("a=1", "2")
    assert environ["wsgi.input"].read() == b"hello"
    assert type(environ) is dict


def test_the_call_follows_pep_3333():
    def application(environ, start_response):
        write = start_response("200 OK", [("Content-Type", "text/plain")])
        write(b"written ")
        return [b"and returned"]

    response = call(validator(application), Request(method="GET", url="http://127.0.0.1:8000/"))
    assert (response.status, response.body) == (200, b"written and returned")
    assert response.header("content-type") == "text/plain"


def test_the_body_is_closed_once_also_after_an_error():
    closed = []

    class Body:
        def __iter__(self):
            yield b"a"
            raise OSError("the disk is gone")

        def close(self):
            closed.append(True)

    def application(environ, start_response):
        start_response("200 OK", [])
        return Body()

    with pytest.raises(OSError, match="disk"):
        call(application, Request(method="GET", url="http://127.0.0.1:8000/"))
    assert closed == [True]


def test_an_error_page_may_replace_headers_until_something_was_sent():
    def application(environ, start_response):
        start_response("200 OK", [])
        try:
            raise LookupError("late")
        except LookupError:
            start_response("500 Oh", [("X", "1")], sys.exc_info())
        return [b"sorry"]

    assert call(application, Request(method="GET", url="http://127.0.0.1:8000/")).status == 500


def test_a_reply_is_summed_up_without_the_secrets_of_its_address():
    response = Response(status=303, headers=(("Location", "/mfa/verify?next=abc"),))
    assert response.summary == "303 See Other -> /mfa/verify"
    assert Response(status=204).summary == "204 No Content"
    assert Response(status=200, headers=(("Set-Cookie", "a"), ("set-cookie", "b"))).headers_named(
        "SET-COOKIE"
    ) == ("a", "b")


def test_a_status_is_told_in_the_words_of_rfc_9110_on_every_python():
    assert Response(status=422).summary == "422 Unprocessable Content"
    assert Response(status=413).summary == "413 Content Too Large"
