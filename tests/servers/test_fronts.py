"""nginx, Caddy and Traefik ask before each request, with the very files of docs/forward-auth.md, for a portal on
Python 2.7.
"""

from __future__ import annotations

import hashlib
import os
import re
import ssl
import sys

import pytest

SETTINGS = """
issuer = "Client Portal"
store = "sqlite:///{folder}/mfa.db"
scheme_from = "X-Forwarded-Proto"
forward_auth = true
seal_credentials = false

[identity]
kind = "auth-tkt"
secret_env = "PORTAL_SECRET"

[policy]
trusted_peers = ["127.0.0.1"]
"""
UPLOAD = os.urandom(3 * 1024 * 1024)
SECRET_WORDS = b"Sales by region"

pytestmark = pytest.mark.requirement("D8")


@pytest.fixture(scope="module")
def documented(root):
    """``documented("nginx")``: the configuration in that language in docs/forward-auth.md."""
    text = (root / "docs" / "forward-auth.md").read_text(encoding="utf-8")
    return lambda language: re.search(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)[1]


@pytest.fixture(scope="module", params=["nginx", "caddy", "traefik"])
def front(
    request,
    require_tool,
    documented,
    certificate,
    old_portal,
    place,
    launch,
    new_port,
    running,
    front_command,
    until_it_answers,
):
    """Each proxy in turn before the old portal, and our service beside it."""
    program = require_tool(request.param)
    portal_port, portal_folder = old_portal()
    folder, our_port, port = place(), new_port(), new_port()
    (folder / "mfa.toml").write_text(SETTINGS.format(folder=folder))
    command = [sys.executable, "-m", "wsgi_mfa", "forward-auth", "--config", str(folder / "mfa.toml")]
    launch([*command, "--port", str(our_port)], our_port, folder)
    server = documented("yaml" if request.param == "traefik" else request.param)
    for written, real in (
        ("/etc/ssl/portal", f"{certificate}/portal"),
        ("127.0.0.1:8080", f"127.0.0.1:{our_port}"),
        ("127.0.0.1:9000", f"127.0.0.1:{portal_port}"),
        ("listen 443", f"listen 127.0.0.1:{port}"),
        ("portal.example {", f"https://localhost:{port} {{"),
        ("server_name portal.example", "server_name localhost"),
        ("Host(`portal.example`)", "Host(`localhost`)"),
    ):
        server = server.replace(written, real)
    command = front_command(request.param, program, folder, port, server)
    launch(command, port, folder, HOME=str(folder))
    until_it_answers(port, certificate)
    found = running(request.param, port, folder)
    found.portal_folder = portal_folder
    return found


@pytest.fixture(scope="module")
def new_browser(front, certificate, browser_at):
    context = ssl.create_default_context(cafile=str(certificate / "portal.pem"))
    return lambda: browser_at(front.port, context)


@pytest.fixture(scope="module")
def signed_in(new_browser, users):
    browser = new_browser()
    browser.enroll(users[0])
    return browser


@pytest.fixture
def half_way(new_browser, users):
    browser = new_browser()
    assert browser.pass_first_factor(users[1]).status == 302
    return browser


def test_a_visitor_sees_the_portal(new_browser):
    assert new_browser().ask("GET", "/").body == b"Please sign in"
    assert new_browser().ask("GET", "/reports").status == 302


def test_a_password_alone_opens_nothing(front, half_way):
    led = half_way.ask("GET", "/reports?page=2", Accept="text/html", Sec_Fetch_Mode="navigate")
    assert led.status == 303
    assert led.headers["Location"].startswith("/mfa/enroll?next=")
    page = half_way.ask("GET", led.headers["Location"], Accept="text/html")
    assert page.status == 200
    assert b"authenticator" in page.body
    rejected = 403 if front.name == "nginx" else 401
    assert half_way.ask("POST", "/orders", "chair", Accept="text/html").status == 303
    assert half_way.ask("POST", "/orders", "chair").status == rejected
    assert half_way.ask("GET", "/reports").status == rejected
    assert half_way.ask("POST", "/upload", UPLOAD).status == rejected


def test_the_second_factor_opens_all_of_it(front, signed_in):
    assert signed_in.ask("GET", "/reports").text == "Sales by region, for alice@example.com, by Python 2"
    assert signed_in.ask("POST", "/orders", "chair").text == "order 1"
    told = signed_in.ask("POST", "/upload", UPLOAD).text
    assert told == f"{len(UPLOAD)} {hashlib.sha256(UPLOAD).hexdigest()}"
    part = signed_in.ask("GET", "/download", Range="bytes=12-23")
    assert (part.status, part.body) == (206, b"row 000001\r\n")


def test_the_portal_hears_of_the_user_from_us_alone(signed_in, new_browser):
    told = signed_in.ask("GET", "/my-headers", X_Mfa_User="mallory").json
    assert told["HTTP_X_MFA_USER"] == "alice@example.com"
    assert new_browser().ask("GET", "/headers", X_Mfa_User="mallory").json.get("HTTP_X_MFA_USER", "") == ""


def test_our_cookies_do_not_reach_the_portal(signed_in):
    names = re.findall(r"([^;= ]+)=", signed_in.ask("GET", "/my-headers").json["HTTP_COOKIE"])
    assert set(names) <= {"auth_tkt", "seen"}


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
        "AUTH_TKT={v}; auth_tkt={v}",
    ],
)
def test_no_spelling_of_a_cookie_gets_past_the_question(half_way, spelling):
    ticket = half_way.cookies["auth_tkt"]
    octal = "".join(f"\\{ord(each):03o}" for each in ticket)
    for header in (
        spelling.format(v=ticket, octal=octal),
        f"lang=de; {spelling.format(v=ticket, octal=octal)}",
    ):
        answer = half_way.ask("GET", "/reports", Cookie=header.encode("latin-1"))
        assert SECRET_WORDS not in answer.body
        assert answer.status < 500


def test_two_cookie_headers_get_nowhere(half_way):
    connection = half_way.connect()
    connection.putrequest("GET", "/reports")
    connection.putheader("Cookie", "a=1")
    connection.putheader("Cookie", f"auth_tkt={half_way.cookies['auth_tkt']}")
    connection.endheaders()
    assert SECRET_WORDS not in connection.getresponse().read()
    connection.close()


def test_a_header_with_credentials_is_refused(signed_in):
    assert signed_in.ask("GET", "/reports", Authorization="Basic YTpi").status == 403


@pytest.mark.requirement("D43a")
@pytest.mark.parametrize(
    "name", ["X_Api_Key", "x_remote_user", "CGI_Authorization", "X_Api-Key", "X-Mfa_User"]
)
def test_a_header_with_an_underscore_does_not_reach_the_portal(front, signed_in, name):
    connection = signed_in.connect()
    connection.putrequest("GET", "/my-headers")
    connection.putheader("Cookie", "; ".join(f"{key}={value}" for key, value in signed_in.cookies.items()))
    connection.putheader(name, "smuggled")
    connection.endheaders()
    response = connection.getresponse()
    text = response.read()
    connection.close()
    assert response.status in ((403,) if front.name == "traefik" else (200, 403))
    assert b"smuggled" not in text


def test_nobody_else_may_ask(front, signed_in):
    assert signed_in.ask("GET", "/mfa/forward-auth").status == (418 if front.name == "traefik" else 404)


def test_a_stale_ticket_is_cleared_by_our_page(new_browser, users):
    browser = new_browser()
    browser.pass_first_factor(users[1])
    ticket = browser.cookies["auth_tkt"]
    browser.cookies["auth_tkt"] = ("1" if ticket.startswith("0") else "0") + ticket[1:]
    led = browser.ask("GET", "/reports", Accept="text/html", Sec_Fetch_Mode="navigate")
    assert (led.status, led.headers["Location"]) == (303, "/mfa/forward-auth/cookies")
    page = browser.ask("GET", "/mfa/forward-auth/cookies", Accept="text/html")
    token = re.search(r'name="csrf" value="([^"]+)"', page.text)[1]
    cleared = browser.post_form("/mfa/forward-auth/cookies", csrf=token)
    assert cleared.status == 303
    assert "auth_tkt" not in browser.cookies


@pytest.mark.requirement("R45")
def test_a_reset_ends_an_open_session(front, new_browser, users):
    person = new_browser()
    person.enroll(users[2])
    assert person.ask("GET", "/reports").status == 200
    desk = front.desk
    assert desk.reset(users[2].name, email=users[2].name, reason="lost", agent="edith").outcome == "reset"
    assert SECRET_WORDS not in person.ask("GET", "/reports").body
