"""Errors of the application, and responses that are held: what the observer does at the edges of PEP 3333."""

from __future__ import annotations

import gc
import sys
import weakref

import pytest

HEADERS = [("Content-Type", "text/plain"), ("X-Portal", "1")]
SECRET = b"the page of a signed-in user"


def failing(body=b"something failed", cookie=None):
    """An application that starts one answer, fails, and gives another in its place."""

    def application(environ, start_response):
        start_response("200 OK", list(HEADERS))
        try:
            raise ValueError("while rendering")
        except ValueError:
            start_response("500 Internal Server Error", [("Content-Type", "text/plain")], sys.exc_info())
        return [body]

    return application


@pytest.mark.requirement("R68")
def test_an_error_page_takes_the_place_of_an_answer_that_was_only_started(inside):
    answer = inside(failing()).navigate("/")
    assert answer.status == 500
    assert answer.headers == [("Content-Type", "text/plain")]
    assert answer.text == "something failed"


@pytest.mark.requirement("R68")
def test_an_error_page_of_a_late_application_takes_the_place_of_its_answer(inside):
    def application(environ, start_response):
        start_response("200 OK", list(HEADERS))
        try:
            raise ValueError("while rendering")
        except ValueError:
            start_response("500 Internal Server Error", [("Content-Type", "text/plain")], sys.exc_info())
        yield b"something failed"

    answer = inside(application).navigate("/")
    assert answer.status == 500
    assert answer.text == "something failed"


@pytest.mark.requirement("R68")
@pytest.mark.parametrize("is_late", [False, True])
def test_an_error_after_the_first_chunk_is_raised_through_the_application(inside, is_late):
    error = ValueError("while rendering")

    def body(start_response):
        if is_late:
            start_response("200 OK", list(HEADERS))
        yield b"one"
        try:
            raise error
        except ValueError:
            start_response("500 Internal Server Error", list(HEADERS), sys.exc_info())
        yield b"an error page that must not follow"

    def application(environ, start_response):
        if not is_late:
            start_response("200 OK", list(HEADERS))
        return body(start_response)

    answer = inside(application).navigate("/")
    assert answer.status == 200
    assert answer.chunks == [b"one"]
    assert answer.error is error


@pytest.mark.requirement("R68")
def test_a_second_start_without_exc_info_is_an_error(inside):
    def application(environ, start_response):
        start_response("200 OK", list(HEADERS))
        start_response("200 OK", list(HEADERS))
        return []

    browser = inside(application)
    with pytest.raises(AssertionError, match="twice"):
        browser.navigate("/")


@pytest.mark.requirement("R68")
def test_an_error_that_passed_through_is_in_no_reference_cycle(inside):
    class RenderingError(Exception):
        pass

    def application(environ, start_response):
        write = start_response("200 OK", list(HEADERS))
        write(b"one")
        try:
            raise RenderingError
        except RenderingError:
            start_response("500 Internal Server Error", list(HEADERS), sys.exc_info())
        return []

    def start_response(status, headers, exc_info=None):
        try:
            if exc_info is not None:
                raise exc_info[1]
        finally:
            exc_info = None
        return lambda data: None

    def freed(browser):
        environ = browser.environ_of("GET", "/", {}, b"", {})
        try:
            browser.application(environ, start_response)
        except RenderingError as error:
            return weakref.ref(error)
        raise AssertionError("no error came through")

    browser = inside(application, validated=False)
    gc.collect()
    gc.disable()
    try:
        assert freed(browser)() is None
    finally:
        gc.enable()


# Held responses


class Body:
    """Counts how often it is closed."""

    def __init__(self, chunks):
        self.chunks, self.closes = chunks, 0

    def __iter__(self):
        yield from self.chunks

    def close(self):
        self.closes += 1


@pytest.mark.requirement("R69")
def test_an_error_while_a_held_body_is_drawn_reaches_the_server_and_the_body_is_closed_once(
    signing_in, portal
):
    def chunks():
        yield SECRET
        raise ValueError("the disk is gone")

    body = Body(chunks())

    def application(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain"), ("Set-Cookie", portal.signed_in("alice"))])
        return body

    browser = signing_in(application)
    with pytest.raises(ValueError, match="the disk is gone"):
        browser.navigate("/")
    assert body.closes == 1
    assert browser.cookies == {}


@pytest.mark.requirement("R68", "R72")
def test_an_error_page_takes_the_place_of_a_sign_in_that_was_only_started(signing_in, portal):
    def application(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain"), ("Set-Cookie", portal.signed_in("alice"))])
        try:
            raise ValueError("while rendering")
        except ValueError:
            start_response("500 Internal Server Error", [("Content-Type", "text/plain")], sys.exc_info())
        yield b"something failed"

    browser = signing_in(application)
    answer = browser.navigate("/")
    assert (answer.status, answer.text) == (500, "something failed")
    assert browser.cookies == {}


@pytest.mark.requirement("R68", "R72")
def test_an_error_page_that_comes_after_the_body_was_held_is_raised_instead(signing_in, portal):
    error = ValueError("while rendering")

    def body(start_response):
        yield SECRET
        try:
            raise error
        except ValueError:
            start_response("500 Internal Server Error", [("Content-Type", "text/plain")], sys.exc_info())
        yield SECRET

    def application(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain"), ("Set-Cookie", portal.signed_in("alice"))])
        return body(start_response)

    browser = signing_in(application)
    with pytest.raises(ValueError, match="while rendering") as raised:
        browser.navigate("/")
    assert raised.value is error
    assert browser.cookies == {}


@pytest.mark.requirement("R68", "R72")
@pytest.mark.parametrize("chunks", [[], [b"one"]])
def test_a_sign_in_by_an_error_page_that_comes_too_late_is_raised_instead(signing_in, portal, chunks):
    def body(start_response):
        yield from chunks
        try:
            raise ValueError("while rendering")
        except ValueError:
            headers = [("Content-Type", "text/plain"), ("Set-Cookie", portal.signed_in("alice"))]
            start_response("500 Internal Server Error", headers, sys.exc_info())
        yield SECRET

    def application(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain")])
        return body(start_response)

    browser = signing_in(application)
    if chunks:
        answer = browser.navigate("/")
        assert answer.chunks == chunks
        assert str(answer.error) == "while rendering"
    else:
        with pytest.raises(ValueError, match="while rendering"):
            browser.navigate("/")
    assert browser.cookies == {}


@pytest.mark.requirement("R68")
def test_a_held_response_cannot_be_started_again_without_exc_info(signing_in, portal):
    def application(environ, start_response):
        headers = [("Content-Type", "text/plain"), ("Set-Cookie", portal.signed_in("alice"))]
        start_response("200 OK", headers)
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [SECRET]

    browser = signing_in(application)
    with pytest.raises(AssertionError, match="twice"):
        browser.navigate("/")
