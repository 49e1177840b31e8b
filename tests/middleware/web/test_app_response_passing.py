"""What the application answers passes through untouched (R67-R72), chunk for chunk, closed once."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field

import pytest

HEADERS = [("Content-Type", "text/plain"), ("X-Portal", "1")]


@dataclass
class Body:
    """An iterable of its own, which counts its closing and keeps what happened in order."""

    chunks: list = field(default_factory=lambda: [b"one", b"two", b"three"])
    log: list = field(default_factory=list)

    def __iter__(self):
        for number, chunk in enumerate(self.chunks):
            if isinstance(chunk, Exception):
                raise chunk
            self.log.append(number)
            yield chunk

    def close(self):
        self.log.append("closed")


@dataclass
class Late:
    """The same, but it starts its response only when it is asked for the first chunk."""

    body: Body
    start_response: object
    status: str = "200 OK"
    headers: list = field(default_factory=lambda: list(HEADERS))

    def __iter__(self):
        self.start_response(self.status, self.headers)
        yield from self.body

    def close(self):
        self.body.close()


def early(body):
    def application(environ, start_response):
        start_response("200 OK", list(HEADERS))
        return body

    return application


def late(body):
    return lambda environ, start_response: Late(body, start_response)


# Streaming


@pytest.mark.requirement("R67", "R69")
@pytest.mark.parametrize("kind", [early, late])
def test_each_chunk_of_the_application_is_one_of_the_answer(inside, kind):
    body = Body([b"one", b"", b"two", b"three"])
    answer = inside(kind(body)).navigate("/")
    assert answer.status == 200
    assert answer.headers == HEADERS
    assert answer.chunks == [b"one", b"", b"two", b"three"]
    assert body.log == [0, 1, 2, 3, "closed"]


@pytest.mark.requirement("R69")
@pytest.mark.parametrize("kind", [early, late])
def test_no_chunk_is_made_before_it_is_asked_for(inside, kind):
    body = Body()
    answer = inside(kind(body)).request("GET", "/", chunks_max=2)
    assert answer.chunks == [b"one", b"two"]
    assert body.log == [0, 1, "closed"]


@pytest.mark.requirement("R69")
@pytest.mark.parametrize("kind", [early, late])
def test_an_endless_answer_begins_at_once(inside, kind):
    class Ticker(Body):
        def __iter__(self):
            while True:
                self.log.append("tick")
                yield b"tick"

    body = Ticker()
    assert inside(kind(body)).request("GET", "/", chunks_max=3).chunks == [b"tick"] * 3
    assert body.log == ["tick", "tick", "tick", "closed"]


@pytest.mark.requirement("R69")
@pytest.mark.parametrize("kind", [early, late])
def test_an_error_after_the_first_chunk_reaches_the_server_and_the_body_is_closed_once(inside, kind):
    error = ValueError("the disk is gone")
    body = Body([b"one", error])
    answer = inside(kind(body)).navigate("/")
    assert answer.chunks == [b"one"]
    assert answer.error is error
    assert body.log == [0, "closed"]


@pytest.mark.requirement("R69")
@pytest.mark.parametrize("kind", [early, late])
def test_an_error_before_the_first_chunk_reaches_the_server_and_the_body_is_closed_once(inside, kind):
    error = ValueError("the disk is gone")
    body = Body([error])
    browser = inside(kind(body))
    with pytest.raises(ValueError, match="the disk is gone") as raised:
        browser.navigate("/")
    assert raised.value is error
    assert body.log == ["closed"]


@pytest.mark.requirement("R69")
def test_an_iterable_that_cannot_be_iterated_is_closed_once(inside):
    class Broken(Body):
        def __iter__(self):
            raise ValueError("no body")

    body = Broken()
    browser = inside(lambda environ, start_response: body, validated=False)
    with pytest.raises(ValueError, match="no body"):
        browser.navigate("/")
    assert body.log == ["closed"]


@pytest.mark.requirement("R69")
def test_an_application_that_never_starts_its_response_is_the_servers_affair(inside):
    body = Body([])
    answer = inside(lambda environ, start_response: body, validated=False).navigate("/")
    assert answer.status == 0
    assert body.log == ["closed"]


@pytest.mark.requirement("R69")
def test_an_error_of_the_application_itself_reaches_the_server(inside):
    def application(environ, start_response):
        raise ZeroDivisionError("in the application")

    browser = inside(application)
    with pytest.raises(ZeroDivisionError, match="in the application"):
        browser.navigate("/")


@pytest.mark.requirement("R67")
def test_what_is_written_arrives_before_the_body(inside):
    def application(environ, start_response):
        write = start_response("200 OK", list(HEADERS))
        write(b"written ")
        write(b"twice ")
        return [b"and returned"]

    answer = inside(application).navigate("/")
    assert answer.written == [b"written ", b"twice "]
    assert answer.chunks == [b"and returned"]


@pytest.mark.requirement("R67")
def test_the_servers_own_write_is_what_the_application_gets(inside, serve_once):
    got = []

    def application(environ, start_response):
        got.append(start_response("200 OK", list(HEADERS)))
        return []

    browser = inside(application, validated=False)
    mine = object()
    environ = browser.environ_of("GET", "/", {}, b"", {})
    assert list(browser.application(environ, lambda status, headers: mine)) == []
    assert got == [mine]


@pytest.mark.requirement("R67", "R69")
def test_the_servers_file_wrapper_comes_back_as_it_is(inside):
    class FileWrapper(Body):
        pass

    made = []

    def application(environ, start_response):
        start_response("200 OK", list(HEADERS))
        made.append(environ["wsgi.file_wrapper"]())
        return made[0]

    browser = inside(application, validated=False)
    environ = browser.environ_of("GET", "/", {}, b"", {"wsgi.file_wrapper": FileWrapper})
    given_back = browser.application(environ, lambda status, headers: None)
    assert given_back is made[0]


@pytest.mark.requirement("R67")
def test_a_head_request_reaches_the_application_as_one(inside):
    methods = []

    def application(environ, start_response):
        methods.append(environ["REQUEST_METHOD"])
        start_response("200 OK", [*HEADERS, ("Content-Length", "1234")])
        return []

    answer = inside(application).request("HEAD", "/")
    assert methods == ["HEAD"]
    assert answer.header("Content-Length") == "1234"
    assert answer.body == b""


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
def test_an_answer_without_a_body_passes(inside, status):
    def application(environ, start_response):
        start_response(status, [("ETag", '"1"')])
        return []

    answer = inside(application).navigate("/")
    assert answer.status == int(status[:3])
    assert answer.headers == [("ETag", '"1"')]


@pytest.mark.requirement("R67")
def test_the_application_gets_the_very_dictionary_of_the_server(inside):
    seen = []

    def application(environ, start_response):
        seen.append(environ)
        start_response("200 OK", list(HEADERS))
        return []

    browser = inside(application, validated=False)
    environ = browser.environ_of("GET", "/", {}, b"", {"portal.key": "kept"})
    browser.application(environ, lambda status, headers: None)
    assert seen[0] is environ
    assert environ["portal.key"] == "kept"


# Uploads


class Stream:
    """A body of ``size`` bytes that is made while it is read, and says who reads."""

    def __init__(self, size):
        self.left, self.crc, self.reads, self.log = size, 0, 0, []

    def read(self, size):
        self.reads += 1
        length = min(size, self.left)
        self.left -= length
        chunk = (bytes([self.reads % 251]) * 65536)[:length]
        self.crc = zlib.crc32(chunk, self.crc)
        return chunk

    def readline(self, size=-1):
        raise AssertionError("nobody reads lines here")

    readlines = __iter__ = readline


@pytest.mark.requirement("R70")
def test_an_upload_of_100_megabytes_arrives_byte_for_byte_and_is_read_by_the_application_alone(inside):
    size = 100 * 1024 * 1024
    stream = Stream(size)
    got = {"crc": 0, "length": 0}

    def application(environ, start_response):
        assert stream.reads == 0
        while chunk := environ["wsgi.input"].read(65536):
            got["crc"] = zlib.crc32(chunk, got["crc"])
            got["length"] += len(chunk)
        start_response("200 OK", list(HEADERS))
        return [b"stored"]

    extra = {"wsgi.input": stream, "CONTENT_LENGTH": str(size)}
    assert inside(application).request("PUT", "/files/1", environ=extra).text == "stored"
    assert got == {"crc": stream.crc, "length": size}
