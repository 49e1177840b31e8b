"""One table of assertions for every server; what they do differently is written down in docs/servers.md."""

from __future__ import annotations

import hashlib
import http.client
import os
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

import pytest

from legacy_portals import DEMO_USERS

USERS = list(DEMO_USERS.values())
SECRET_WORDS = b"Sales by region"  # what only a signed-in user reads
UPLOAD = os.urandom(3 * 1024 * 1024)

#: What becomes of a body in chunks where it is not read whole: taken for an empty one, or refused with a status.
CHUNKED_BODY = {"mod_wsgi": 411, "uWSGI": "empty", "wsgiref": "empty"}


# Passing through


def test_the_portal_is_open_with_the_second_factor_and_shut_without(server):
    assert SECRET_WORDS in server.signed_in.ask("GET", "/reports/1").body
    led = server.half_way.ask("GET", "/reports/1", Accept="text/html")
    assert led.status == 303
    assert led.headers["Location"].startswith("/mfa/enroll?")
    assert led.body == b""


def test_a_chunk_is_out_before_the_next_one_is_made(server):
    (server.folder / "seen").unlink(missing_ok=True)
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    headers = {"X-Forwarded-Proto": "https", "Cookie": server.signed_in.cookie_header}
    connection.request("GET", "/probe/two-chunks", headers=headers)
    response = connection.getresponse()
    assert response.readline() == b"first\n"
    (server.folder / "seen").touch()
    assert response.read() == b"second, because the first was seen\n"
    connection.close()


@pytest.mark.requirement("R70")
def test_an_upload_reaches_the_portal_byte_for_byte(server):
    head = b'--limit\r\nContent-Disposition: form-data; name="file"; filename="f.bin"\r\n\r\n'
    body = head + UPLOAD + b"\r\n--limit--\r\n"
    answer = server.signed_in.ask(
        "POST", "/upload", body, Content_Type="multipart/form-data; boundary=limit", Accept="text/html"
    )
    assert hashlib.sha256(UPLOAD).hexdigest() in answer.text


def post_in_chunks(browser, path, *pieces):
    """All in one packet: to a server that leaves a body unread, a client that still sends has no connection."""
    body = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in (*pieces, b""))
    head = (
        f"POST {path} HTTP/1.1\r\nHost: portal.example\r\nX-Forwarded-Proto: https\r\n"
        f"Cookie: {browser.cookie_header}\r\nAccept: application/json\r\nContent-Type: application/json\r\n"
        "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    )
    return browser.raw(head.encode() + body)


@pytest.mark.requirement("R70")
def test_a_body_in_chunks_is_whole_or_not_there_at_all(server):
    answer = post_in_chunks(server.signed_in, "/probe/body", UPLOAD[:5000], UPLOAD[5000:8192])
    expected = CHUNKED_BODY.get(server.name, "whole")
    if isinstance(expected, int):
        assert answer.status == expected
    else:
        size = 8192 if expected == "whole" else 0
        assert answer.json == {"size": size, "sha256": hashlib.sha256(UPLOAD[:size]).hexdigest()}


def test_a_code_in_chunks_is_judged_or_found_missing(server):
    browser = server.browser()
    browser.pass_first_factor(USERS[2])
    browser.as_program("GET", "/mfa/enroll")
    answer = post_in_chunks(browser, "/mfa/enroll", b'{"code": ', b'"abc"}')
    expected = CHUNKED_BODY.get(server.name, "whole")
    assert answer.status == {"whole": 422, "empty": 400}.get(expected, expected)


def test_a_file_and_what_is_written_arrive_whole(server):
    listed = server.signed_in.ask("GET", "/download/file")
    assert listed.headers["Content-Length"] == str(len(listed.body))
    assert not listed.cut
    *rows, last = server.signed_in.ask("GET", "/download").body.splitlines(keepends=True)
    assert last.strip() == b"sha256," + hashlib.sha256(b"".join(rows)).hexdigest().encode()
    assert b"Stock on hand" in server.signed_in.ask("GET", "/write").body


@pytest.mark.requirement("R65")
def test_head_has_no_body_whoever_asks(server):
    for browser, path, status in (
        (server.signed_in, "/reports/1", 200),
        (server.signed_in, "/mfa/help", 200),
        (server.half_way, "/reports/1", 401),
        (server.browser(), "/mfa/nowhere", 404),
    ):
        request = f"HEAD {path} HTTP/1.1\nHost: portal.example\nX-Forwarded-Proto: https\n"
        request += f"Cookie: {browser.cookie_header}\nConnection: close\n\n"
        with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
            connection.sendall(request.replace("\n", "\r\n").encode())
            received = b"".join(iter(lambda: connection.recv(65536), b""))
        head, _, body = received.partition(b"\r\n\r\n")
        assert int(head.split(b" ")[1]) == status
        assert body == b""


# Ways around


@pytest.mark.requirement("R63", "R64")
@pytest.mark.parametrize(
    "target",
    [
        "//reports/1",
        "///reports/1",
        "/./reports/1",
        "/static/../reports/1",
        "/static/%2e%2e/reports/1",
        "/static/..%2freports/1",
        "/static/%2e%2e%2freports%2f1",
        "/static//../reports/1",
        "/static;/../reports/1",
        "/static/..;/reports/1",
        "/static\\..\\reports/1",
        "/static/%5c..%5creports/1",
        "/%72eports/1",
        "/reports%2f1",
        "/reports/1?x=/static",
        "/reports/1#/static",
        "/mfa/../reports/1",
        "/mfa/%2e%2e/reports/1",
        "/%6dfa/../reports/1",
        "http://127.0.0.1/reports/1",
        "http://portal.example/static/../reports/1",
        "http://evil.example/reports/1",
        "https://portal.example//reports/1",
        "*",
    ],
)
def test_no_spelling_of_a_path_gets_around_the_gate(server, target):
    before = server.called()
    answer = server.half_way.raw(
        f"GET {target} HTTP/1.1\nHost: portal.example\nX-Forwarded-Proto: https\n"
        f"Cookie: {server.half_way.cookie_header}\nConnection: close\n\n"
    )
    assert SECRET_WORDS not in answer.body
    # An exempt path may call the portal, which then knows of nobody: a page that it does not have, or its sign-in.
    assert [line for line in server.called()[len(before) :] if not line.startswith("- /static")] == []


@pytest.mark.requirement("R63", "R66")
@pytest.mark.parametrize(
    ("script_name", "target"),
    [
        ("/static", "/static/reports/1"),
        ("/mfa", "/mfa/reports/1"),
        ("/reports", "/reports/static/portal.css"),
        ("/reports/1", "/reports/1"),
    ],
)
@pytest.mark.parametrize("header", ["SCRIPT_NAME", "Script-Name", "PATH_INFO", "Path-Info"])
def test_no_header_moves_the_root_of_the_portal(server, header, script_name, target):
    answer = server.half_way.raw(
        f"GET {target} HTTP/1.1\nHost: portal.example\nX-Forwarded-Proto: https\n{header}: {script_name}\n"
        f"Cookie: {server.half_way.cookie_header}\nConnection: close\n\n"
    )
    assert SECRET_WORDS not in answer.body


@pytest.mark.requirement("D4", "R59")
def test_a_header_in_either_spelling_carries_no_user(server):
    names = ["X_Remote_User", "X-Remote-User", "Authorization", "X_Api_Key", "Wsgi_Mfa_User", "wsgi_mfa.user"]
    lines = "".join(f"{name}: {USERS[3].name}\n" for name in names)
    answer = server.signed_in.raw(
        "GET /probe/environ HTTP/1.1\nHost: portal.example\nX-Forwarded-Proto: https\n"
        f"{lines}Cookie: {server.signed_in.cookie_header}\nConnection: close\n\n"
    )
    if answer.status == 400:  # a server that refuses such names is as good
        return
    found = {key for key, value in answer.json.items() if value == USERS[3].name}
    assert found <= {"HTTP_WSGI_MFA_USER", "HTTP_WSGI_MFA.USER"}  # which no application reads a user from
    assert answer.json["wsgi_mfa.user"] == USERS[0].name


@pytest.mark.requirement("D6", "R54")
@pytest.mark.parametrize("separate", ["session first", "session last", "session twice", "between others"])
def test_two_cookie_headers_open_nothing_that_one_does_not(server, separate):
    stranger = server.half_way.cookies["session"]
    ours = "; ".join(f"{k}={v}" for k, v in server.signed_in.cookies.items() if k != "session")
    lines = {
        "session first": f"Cookie: session={stranger}\nCookie: {ours}\n",
        "session last": f"Cookie: {ours}\nCookie: session={stranger}\n",
        "session twice": f"Cookie: session={stranger}\nCookie: session={server.signed_in.cookies['session']}\n",
        "between others": f"Cookie: a=1\nCookie: session={stranger}\nCookie: {ours}\n",
    }[separate]
    answer = server.half_way.raw(
        "GET /reports/1 HTTP/1.1\nHost: portal.example\nX-Forwarded-Proto: https\n"
        f"Accept: text/html\n{lines}Connection: close\n\n"
    )
    assert SECRET_WORDS not in answer.body
    assert answer.status < 500


# Refusals, and clients that leave


@pytest.mark.requirement("R72")
def test_who_sends_much_to_a_closed_door_reads_the_refusal(server):
    before = server.called()
    answer = server.half_way.ask("POST", "/upload", UPLOAD, Content_Type="application/octet-stream")
    assert answer.status == 401
    assert answer.json["type"] == "urn:wsgi-mfa:must_enroll"
    assert server.called() == before


@pytest.mark.requirement("R69")
def test_a_body_is_closed_once_when_its_reader_leaves(server):
    folder = server.folder / "closed"
    before = set(folder.iterdir())
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        connection.sendall(
            b"GET /probe/endless HTTP/1.1\r\nHost: portal.example\r\nX-Forwarded-Proto: https\r\n"
            b"Cookie: " + server.signed_in.cookie_header.encode() + b"\r\n\r\n"
        )
        assert connection.recv(65536)
    until = time.monotonic() + 30
    while not (left := set(folder.iterdir()) - before) and time.monotonic() < until:
        time.sleep(0.05)
    assert [file.read_text() for file in left] == ["closed\n"]


def test_a_name_in_any_script_goes_through(server):
    answer = server.signed_in.ask("GET", "/probe/environ?q=" + quote("日本"))
    assert answer.json["QUERY_STRING"] == "q=" + quote("日本")
    assert server.half_way.ask("GET", quote("/日本/é")).status == 401


# Workers


def ask_often(server, path, *, times=200):
    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(lambda _: server.signed_in.ask("GET", path), range(times)))


@pytest.mark.requirement("R24")
def test_after_success_no_worker_asks_again(server):
    answers = ask_often(server, "/probe/environ")
    assert [answer.status for answer in answers] == [200] * 200
    workers = {answer.json["process"] for answer in answers}
    assert (len(workers) > 1) is answers[0].json["wsgi.multiprocess"]


@pytest.mark.requirement("R45")
def test_a_reset_is_seen_by_every_worker_at_its_next_request(server):
    person = server.browser()
    person.enroll(USERS[5])
    assert person.ask("GET", "/reports/1").status == 200
    done = server.desk.reset(USERS[5].name, email=USERS[5].name, reason="lost the phone", agent="edith")
    assert done.outcome == "reset"
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: person.ask("GET", "/reports/1"), range(40)))
    assert {answer.status for answer in answers} == {401}
    assert {answer.json["type"] for answer in answers} == {"urn:wsgi-mfa:must_enroll"}
