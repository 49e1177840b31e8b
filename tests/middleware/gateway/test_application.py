"""A request goes to the portal as it was meant, and the answer comes back as it is."""

from __future__ import annotations

import io
import json
import socket
import threading

import pytest

from wsgi_mfa.errors import ConfigurationError
from wsgi_mfa.gateway import Gateway


def test_method_path_and_query_go_through_as_they_were_spelt(upstream_of, ask):
    upstream = upstream_of()
    ask(
        upstream, REQUEST_METHOD="DELETE", PATH_INFO="/a/b c/\xe9", REQUEST_URI="/a%2Fb%20c/%E9?x=%2F&y",
        QUERY_STRING="x=%2F&y",
    )  # fmt: skip
    assert upstream.lines[0] == "DELETE /a%2Fb%20c/%E9?x=%2F&y HTTP/1.1"


@pytest.mark.requirement("R63")
@pytest.mark.parametrize(
    ("path", "raw", "asked"),
    [
        ("/reports", "/static/../reports", "/reports"),
        ("/reports", "//evil.example/reports", "/reports"),
        ("/reports", "http://evil.example/reports", "/reports"),
        ("/reports", "/other", "/reports"),
        ("/a b", "/a b", "/a%20b"),
        ("/a?b", "/a%3Fb", "/a%3Fb"),
        ("/a\r\nX: y", "/a\r\nX: y", "/a%0D%0AX:%20y"),
        ("/%2e%2e/a", "", "/%252e%252e/a"),
    ],
)
def test_what_is_asked_for_is_the_path_that_was_judged(upstream_of, ask, path, raw, asked):
    upstream = upstream_of()
    ask(upstream, PATH_INFO=path, REQUEST_URI=raw)
    assert upstream.lines[0] == f"GET {asked} HTTP/1.1"


def test_no_query_breaks_out_of_the_request_line(upstream_of, ask):
    upstream = upstream_of()
    ask(upstream, QUERY_STRING="a=1 HTTP/1.1\r\nX: y&b=\xe9|{}[]")
    assert upstream.lines[0] == "GET /?a=1%20HTTP/1.1%0D%0AX:%20y&b=%E9|{}[] HTTP/1.1"


@pytest.mark.parametrize("environ", [{"PATH_INFO": "*"}, {"HTTP_HOST": "a b"}, {"REQUEST_METHOD": "TRACE"},
                                     {"CONTENT_LENGTH": "x"}])  # fmt: skip
def test_what_is_no_request_for_a_page_is_not_handed_on(upstream_of, environ):
    upstream = upstream_of()
    told = []
    gateway = Gateway(f"http://127.0.0.1:{upstream.port}")
    base = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "HTTP_HOST": "p.example", "wsgi.url_scheme": "https"}
    gateway({**base, **environ}, lambda *given: told.append(given))
    assert told[0][0] == "400 Bad Request"
    assert upstream.received == b""


# Bodies


@pytest.mark.requirement("R70")
def test_an_upload_goes_through_byte_for_byte(upstream_of, ask):
    upstream = upstream_of()
    body = bytes(range(256)) * 2000
    ask(upstream, REQUEST_METHOD="POST", body=body, CONTENT_TYPE="application/octet-stream")
    assert upstream.header("Content-Length") == str(len(body))
    assert upstream.header("Content-Type") == "application/octet-stream"
    assert upstream.body == body


def test_a_body_of_unknown_length_goes_through_in_chunks(upstream_of, ask):
    upstream = upstream_of()
    body = io.BytesIO(b"abc")
    ask(
        upstream, REQUEST_METHOD="PUT", HTTP_TRANSFER_ENCODING="chunked",
        **{"wsgi.input": body, "wsgi.input_terminated": True},
    )  # fmt: skip
    assert upstream.header("Transfer-Encoding") == "chunked"
    assert upstream.body == b"3\r\nabc\r\n0\r\n\r\n"


def test_a_post_without_a_body_says_so(upstream_of, ask):
    upstream = upstream_of()
    ask(upstream, REQUEST_METHOD="POST")
    assert upstream.header("Content-Length") == "0"


def test_a_client_that_breaks_off_is_no_whole_request(upstream_of, ask):
    upstream = upstream_of()
    answer = ask(upstream, REQUEST_METHOD="POST", body=b"half", CONTENT_LENGTH="8")
    assert answer.status == "400 Bad Request"


def test_an_answer_of_known_length_ends_with_it(upstream_of, ask):
    upstream = upstream_of(b"HTTP/1.1 200 OK\nContent-Length: 3\n\nabcdef")
    answer = ask(upstream)
    assert (answer.body, answer.error) == (b"abc", None)
    assert answer.all("Content-Length") == ["3"]


def test_an_answer_in_chunks_comes_without_their_frames(upstream_of, ask):
    upstream = upstream_of(b"HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
    answer = ask(upstream)
    assert answer.chunks == [b"abc", b"de"]
    assert answer.all("Transfer-Encoding") == []


def test_an_answer_that_ends_with_its_connection_is_whole(upstream_of, ask):
    assert ask(upstream_of(b"HTTP/1.0 200 OK\n\nuntil the end")).body == b"until the end"


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\nContent-Length: 10\n\nabc",
        b"HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n5\r\nab",
        b"HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n2\r\nab\r\n",
    ],
)
def test_a_part_is_never_taken_for_the_whole(upstream_of, ask, answer):
    assert "broke off" in str(ask(upstream_of(answer)).error)


@pytest.mark.parametrize("status", [b"204 No Content", b"304 Not Modified"])
def test_what_has_no_body_has_none(upstream_of, ask, status):
    answer = ask(upstream_of(b"HTTP/1.1 " + status + b"\nETag: x\n\n"))
    assert answer.status == status.decode()
    assert answer.chunks == []


def test_head_brings_the_length_and_no_body(upstream_of, ask):
    answer = ask(
        upstream_of(b"HTTP/1.1 200 OK\nContent-Length: 1000\nContent-Type: text/plain\n\n"),
        REQUEST_METHOD="HEAD",
    )
    assert answer.all("Content-Length") == ["1000"]
    assert answer.chunks == []


def test_a_part_of_a_file_comes_as_the_portal_gives_it(upstream_of, ask):
    upstream = upstream_of(
        b"HTTP/1.1 206 Partial Content\nContent-Range: bytes 2-4/10\nContent-Length: 3\n\ncde"
    )
    answer = ask(upstream, HTTP_RANGE="bytes=2-4", HTTP_IF_RANGE='"x"')
    assert upstream.header("Range") == "bytes=2-4"
    assert upstream.header("If-Range") == '"x"'
    assert answer.status == "206 Partial Content"
    assert answer.all("Content-Range") == ["bytes 2-4/10"]


@pytest.mark.requirement("R69")
def test_a_client_that_leaves_ends_the_portals_work(upstream_of, ask):
    upstream = upstream_of(b"HTTP/1.1 200 OK\n\n" + b"x" * 50_000_000)
    ask(upstream, chunks_max=1)
    assert upstream.done.wait(20)
    assert upstream.left_early


def test_a_portal_that_has_heard_enough_may_say_so_early(ask):
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        connection, _ = listener.accept()
        with connection:
            connection.recv(1024)
            connection.sendall(
                b"HTTP/1.1 413 Content Too Large\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\nbig"
            )
            while connection.recv(1024 * 1024):
                pass

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    gateway = Gateway(f"http://127.0.0.1:{listener.getsockname()[1]}")
    answer = ask(None, gateway=gateway, REQUEST_METHOD="POST", body=b"x" * 5_000_000)
    assert answer.status == "413 Content Too Large"
    thread.join(20)
    listener.close()


# Failures


@pytest.fixture
def nobody_listens():
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


@pytest.mark.requirement("R80")
def test_a_portal_that_is_down_is_told_in_words(ask, nobody_listens):
    gateway = Gateway(f"http://127.0.0.1:{nobody_listens}")
    page = ask(None, gateway=gateway, HTTP_ACCEPT="text/html")
    assert page.status == "502 Bad Gateway"
    assert b"The portal does not answer." in page.body
    problem = ask(None, gateway=gateway, HTTP_ACCEPT="application/json")
    assert json.loads(problem.body)["type"] == "urn:wsgi-mfa:upstream_unreachable"
    assert ask(None, gateway=gateway, REQUEST_METHOD="HEAD", HTTP_ACCEPT="text/html").body == b""


def test_a_portal_that_takes_too_long_is_told_in_words(ask):
    with socket.create_server(("127.0.0.1", 0)) as listener:  # it accepts, and never answers
        gateway = Gateway(f"http://127.0.0.1:{listener.getsockname()[1]}", timeout_seconds=0.2)
        assert ask(None, gateway=gateway).status == "504 Gateway Timeout"


@pytest.mark.requirement("R71", "D43a")
@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nX-A: 1\rSet-Cookie: sid=V\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\nX-A: 1\rSet-Cookie: sid=V\nContent-Length: 0\n\n",
        b"HTTP/1.1 200 O\rK\nContent-Length: 0\n\n",
        b"HTTP/1.1 200 OK\nX-A: 1\r\rX-B: 2\nContent-Length: 0\n\n",
        b"hello\n\n",
        b"HTTP/1.1 abc OK\n\n",
        b"HTTP/1.1 103 Early Hints\nLink: x\n\n",
        b"HTTP/1.1 200 OK\nX-A: a\x01b\nContent-Length: 0\n\n",
        b"HTTP/1.1 200 OK\nContent-Length: 2\nContent-Length: 3\n\nabc",
        b"HTTP/1.1 200 OK\nContent-Length: -1\n\nabc",
        b"HTTP/1.1 200 OK\n" + b"X: y\n" * 200 + b"\nabc",
        b"HTTP/1.1 200 OK\nX: " + b"y" * 70000 + b"\n\nabc",
    ],
)
def test_an_answer_outside_of_http_is_none(upstream_of, ask, answer):
    assert ask(upstream_of(answer)).status == "502 Bad Gateway"


@pytest.mark.parametrize(
    "upstream",
    [
        "",
        "127.0.0.1:80",
        "ftp://x",
        "http://",
        "http://x/portal",
        "http://x:port",
        "http://x:99999",
        "unix:/x",
    ],
)
def test_only_a_host_and_port_can_be_stood_before(upstream):
    with pytest.raises(ConfigurationError, match=r"upstream is .*: legal is http://HOST:PORT"):
        Gateway(upstream)
