"""``wsgi-mfa gateway`` before a portal on Python 2.7, which cannot load the middleware: the whole story."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import socket
import sys

import pytest

SETTINGS = """
issuer = "Client Portal"
store = "sqlite:///{folder}/mfa.db"
scheme_from = "X-Forwarded-Proto"

[identity]
"""
#: What tells who signed in: the portal's tickets, whose secret is known, or its form alone.
IDENTITIES = {
    "auth-tkt": """
kind = "auth-tkt"
secret_env = "PORTAL_SECRET"
""",
    "login-form": """
kind = "login-form"
paths = ["/sign-in"]
field = "username"
cookies = ["auth_tkt"]
harmless_cookies = ["seen"]
succeeded = ["status=302", "cookie=auth_tkt"]
failed = ["status=200"]
sign_out = ["/sign-out"]
""",
}
UPLOAD = os.urandom(3 * 1024 * 1024)
SECRET_WORDS = b"Sales by region"
PATIENCE_SECONDS = 20


@pytest.fixture(scope="module", params=list(IDENTITIES))
def gateway(request, old_portal, place, launch, new_port, running):
    portal_port, portal_folder = old_portal()
    folder, port = place(), new_port()
    (folder / "mfa.toml").write_text(SETTINGS.format(folder=folder) + IDENTITIES[request.param])
    options = ["--config", str(folder / "mfa.toml"), "--port", str(port), "--timeout-seconds", "15"]
    upstream = f"http://127.0.0.1:{portal_port}"
    launch([sys.executable, "-m", "wsgi_mfa", "gateway", "--upstream", upstream, *options], port, folder)
    found = running("gateway", port, folder)
    found.portal_folder = portal_folder
    return found


@pytest.fixture(scope="module")
def signed_in(gateway, users):
    browser = gateway.browser()
    browser.enroll(users[0])
    return browser


@pytest.fixture
def half_way(gateway, users):
    browser = gateway.browser()
    browser.pass_first_factor(users[1])
    return browser


def test_a_visitor_sees_the_portal(gateway):
    assert gateway.browser().ask("GET", "/").body == b"Please sign in"
    assert gateway.browser().ask("GET", "/reports").headers["Location"] == "/"


@pytest.mark.requirement("R72")
def test_a_sign_in_is_held_and_leads_to_the_second_factor(gateway, users):
    browser = gateway.browser()
    body = f"username={users[1].name}&password={users[1].password}"
    kind = "application/x-www-form-urlencoded"
    held = browser.ask("POST", "/sign-in", body, Accept="text/html", Content_Type=kind)
    assert held.status == 303
    # The portal's own way on was an address with http, of which it knows no better.
    page = browser.ask("GET", held.headers["Location"], Accept="text/html")
    assert b"authenticator" in page.body
    assert {"auth_tkt", "seen"} <= set(browser.cookies)


def test_a_password_alone_opens_nothing(half_way):
    led = half_way.ask("GET", "/reports", Accept="text/html")
    assert (led.status, led.headers["Location"].partition("?")[0]) == (303, "/mfa/enroll")
    assert half_way.ask("POST", "/orders", "chair").status == 401
    assert half_way.ask("POST", "/upload", UPLOAD).status == 401


def test_the_second_factor_opens_all_of_it(signed_in):
    assert signed_in.ask("GET", "/reports").text == "Sales by region, for alice@example.com, by Python 2"
    assert signed_in.ask("POST", "/orders", "chair").text == "order 1"
    told = signed_in.ask("POST", "/upload", UPLOAD).text
    assert told == f"{len(UPLOAD)} {hashlib.sha256(UPLOAD).hexdigest()}"
    whole = signed_in.ask("GET", "/download")
    assert whole.body.startswith(b"row 000000\r\n")
    assert whole.headers["ETag"] == '"rows"'
    part = signed_in.ask("GET", "/download", Range="bytes=12-23")
    assert (part.status, part.body) == (206, b"row 000001\r\n")
    assert part.headers["Content-Range"] == f"bytes 12-23/{len(whole.body)}"
    head = signed_in.ask("HEAD", "/download")
    assert (head.status, head.headers["Content-Length"], head.body) == (200, str(len(whole.body)), b"")


def test_an_upload_in_chunks_reaches_a_portal_that_knows_none(signed_in):
    pieces = (UPLOAD[start : start + 65536] for start in range(0, len(UPLOAD), 65536))
    told = signed_in.ask("POST", "/upload", pieces, Transfer_Encoding="chunked").text
    assert told == f"{len(UPLOAD)} {hashlib.sha256(UPLOAD).hexdigest()}"


def test_a_chunk_is_out_before_the_next_one_is_made(gateway, signed_in):
    seen = gateway.portal_folder / "seen"
    seen.unlink(missing_ok=True)
    connection = signed_in.connect()
    headers = {"X-Forwarded-Proto": "https", "Cookie": signed_in.cookie_header}
    connection.request("GET", "/stream", headers=headers)
    response = connection.getresponse()
    assert response.readline() == b"first\n"
    seen.touch()
    assert response.read() == b"second, because the first was seen\n"
    connection.close()


@pytest.mark.requirement("R59")
def test_what_the_portal_hears_is_ours(signed_in):
    told = signed_in.ask(
        "GET", "/my-headers", X_Mfa_User="mallory", X_Forwarded_For="10.9.9.9", Forwarded="for=10.9.9.9",
        Host="portal.example", Authorization="Basic YTpi",
    ).json  # fmt: skip
    assert told["HTTP_X_MFA_USER"] == "alice@example.com"
    assert told["HTTP_X_MFA_METHOD"] == "code"
    assert told["HTTP_HOST"] == told["HTTP_X_FORWARDED_HOST"] == "portal.example"
    assert told["HTTP_X_FORWARDED_PROTO"] == "https"
    assert told["HTTP_X_FORWARDED_FOR"] == "127.0.0.1"
    assert not {"HTTP_FORWARDED", "HTTP_AUTHORIZATION"} & set(told)
    names = set(re.findall(r"([^;= ]+)=", told["HTTP_COOKIE"]))
    assert names == {"auth_tkt", "seen"}


@pytest.mark.requirement("D6")
@pytest.mark.parametrize(
    "spelling",
    [
        "auth_tkt={v}",
        "auth_tkt={v}; auth_tkt=x",
        "auth_tkt=x; auth_tkt={v}",
        'auth_tkt="{octal}"',
        "a=1, auth_tkt={v}",
        "a=1,auth_tkt={v}",
        "$Version=1; auth_tkt={v}",
        "$Version=1, auth_tkt={v}",
        "junk; auth_tkt={v}",
        "=; auth_tkt={v}",
        "auth_tkt=; auth_tkt={v}",
        "b[a]d=1; auth_tkt={v}",
        'x="; auth_tkt={v}; y="',
        "\xff; auth_tkt={v}",
        "auth_tkt ={v}",
    ],
)
def test_no_spelling_of_a_cookie_reaches_a_page(half_way, spelling):
    ticket = half_way.cookies["auth_tkt"]
    octal = "".join(f"\\{ord(each):03o}" for each in ticket)
    answer = half_way.ask("GET", "/reports", Cookie=spelling.format(v=ticket, octal=octal).encode("latin-1"))
    assert SECRET_WORDS not in answer.body
    assert answer.status < 500


@pytest.mark.parametrize(
    "target", ["/mfa/../reports", "//reports", "/./reports", "/%72eports", "http://x/reports"]
)
def test_no_spelling_of_a_path_reaches_a_page(half_way, target):
    answer = half_way.raw(
        f"GET {target} HTTP/1.1\nHost: portal.example\nX-Forwarded-Proto: https\n"
        f"Cookie: {half_way.cookie_header}\nConnection: close\n\n"
    )
    assert SECRET_WORDS not in answer.body


# Where a body ends, said in ways that two readers may take differently (RFC 9112 sections 6.3 and 11.2).
AMBIGUOUS = {
    "length and chunks": "Content-Length: {length}\r\nTransfer-Encoding: chunked",
    "chunks and length": "Transfer-Encoding: chunked\r\nContent-Length: 5",
    "a coding that nobody knows": "Transfer-Encoding: xchunked\r\nContent-Length: 5",
    "two codings": "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\nContent-Length: 5",
    "a space before the colon": "Transfer-Encoding : chunked\r\nContent-Length: 5",
    "an underscore": "Transfer_Encoding: chunked\r\nContent-Length: 5",
    "a bare line feed": "X: y\nTransfer-Encoding: chunked\r\nContent-Length: 5",
    "two lengths": "Content-Length: 5\r\nContent-Length: {length}",
    "a list of lengths": "Content-Length: 5, 5",
    "a signed length": "Content-Length: +5",
    "a folded line": "Content-Length: 5\r\nX: y\r\n Content-Length: {length}",
}


@pytest.mark.requirement("R72")
@pytest.mark.parametrize("said", AMBIGUOUS)
@pytest.mark.parametrize("path", ["/", "/mfa/verify"])
def test_a_request_in_the_body_of_another_is_gated_like_any(gateway, half_way, said, path):
    head = "Host: portal\r\nX-Forwarded-Proto: https\r\n"
    ticket = f"Cookie: {half_way.cookie_header}\r\n"
    body = f"0\r\n\r\nGET /reports HTTP/1.1\r\n{head}{ticket}\r\n"
    lengths = AMBIGUOUS[said].format(length=len(body))
    last = f"GET /reports HTTP/1.1\r\n{head}{ticket}Connection: close\r\n\r\n"
    sent = f"POST {path} HTTP/1.1\r\n{head}{lengths}\r\n\r\n{body}{last}".encode("latin-1")
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=PATIENCE_SECONDS) as connection:
        connection.sendall(sent)
        told = b""
        # Who refuses the first may close with the rest unread, and what is under way is lost then.
        with contextlib.suppress(ConnectionResetError):
            while piece := connection.recv(65536):
                told += piece
    assert told == b"" or told.startswith(b"HTTP/1.")
    assert SECRET_WORDS not in told


@pytest.mark.requirement("R51")
def test_a_sign_out_ends_the_second_factor_and_old_cookies_are_worth_nothing(gateway, users):
    browser = gateway.browser()
    browser.enroll(users[2])
    assert browser.ask("GET", "/reports").status == 200
    kept = dict(browser.cookies)
    assert browser.ask("GET", "/sign-out").status == 302
    replaying = gateway.browser()
    replaying.cookies.update(kept)
    assert SECRET_WORDS not in replaying.ask("GET", "/reports").body


@pytest.mark.requirement("R45")
def test_a_reset_ends_an_open_session(gateway, signed_in, users):
    desk = gateway.desk
    assert desk.reset(users[0].name, email=users[0].name, reason="lost", agent="edith").outcome == "reset"
    assert signed_in.ask("GET", "/reports").json["type"] == "urn:wsgi-mfa:must_enroll"


@pytest.mark.requirement("R80")
def test_a_portal_that_breaks_off_or_is_down_is_told(gateway, users):
    browser = gateway.browser()
    browser.enroll(users[0])
    assert browser.ask("GET", "/cut-off").cut  # and with it the portal ends
    page = browser.ask("GET", "/reports", Accept="text/html")
    assert page.status == 502
    assert b"The portal does not answer." in page.body
    assert browser.ask("GET", "/mfa/help", Accept="text/html").status == 200
