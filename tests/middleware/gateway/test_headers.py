"""What is about the message goes through, what is about one connection does not, and what we say nobody else says."""

from __future__ import annotations

import pytest


def test_hop_by_hop_headers_end_here_in_both_directions(upstream_of, ask):
    upstream = upstream_of(
        b"HTTP/1.1 200 OK\nContent-Length: 0\nConnection: close, X-Once\nX-Once: 1\nKeep-Alive: timeout=5\n"
        b"Proxy-Authenticate: Basic\nUpgrade: h2c\nTrailer: X-T\nX-Stays: 1\n\n"
    )
    answer = ask(
        upstream, HTTP_CONNECTION="keep-alive, X-Mine", HTTP_X_MINE="1", HTTP_KEEP_ALIVE="300", HTTP_TE="trailers",
        HTTP_UPGRADE="websocket", HTTP_PROXY_AUTHORIZATION="Basic x", HTTP_EXPECT="100-continue", HTTP_X_STAYS="1",
    )  # fmt: skip
    for name in ("X-Mine", "Keep-Alive", "TE", "Upgrade", "Proxy-Authorization", "Expect"):
        assert upstream.header(name) is None
    assert upstream.header("Connection") == "close"
    assert upstream.header("X-Stays") == "1"
    assert {name for name, _ in answer.headers} == {"Content-Length", "Content-Type", "X-Stays"}


@pytest.mark.requirement("D6")
def test_no_client_can_have_the_cookies_taken_out(upstream_of, ask):
    upstream = upstream_of()
    ask(upstream, HTTP_CONNECTION="close, Cookie", HTTP_COOKIE="session=V")
    assert upstream.header("Cookie") == "session=V"


def test_the_portal_hears_where_the_request_comes_from(upstream_of, ask):
    upstream = upstream_of()
    ask(upstream, HTTP_HOST="portal.example:8443")
    assert upstream.header("Host") == "portal.example:8443"
    assert upstream.header("X-Forwarded-Host") == "portal.example:8443"
    assert upstream.header("X-Forwarded-Proto") == "https"
    assert upstream.header("X-Forwarded-For") == "192.0.2.7"


@pytest.mark.requirement("R57", "R59")
def test_nobody_else_says_so(upstream_of, ask):
    upstream = upstream_of()
    ask(
        upstream, HTTP_X_FORWARDED_FOR="10.9.9.9", HTTP_X_FORWARDED_PROTO="http", HTTP_X_FORWARDED_HOST="evil.example",
        HTTP_X_FORWARDED_PREFIX="/evil", HTTP_FORWARDED="for=10.9.9.9", HTTP_X_REAL_IP="10.9.9.9",
        HTTP_X_MFA_USER="mallory",
    )  # fmt: skip
    assert upstream.header("X-Forwarded-For") == "192.0.2.7"
    assert upstream.header("X-Forwarded-Host") == "portal.example"
    for name in ("X-Forwarded-Prefix", "Forwarded", "X-Real-Ip", "X-Mfa-User"):
        assert upstream.header(name) is None


def test_no_client_names_a_proxy_for_what_the_portal_asks_of_others(upstream_of, ask):
    upstream = upstream_of()
    ask(upstream, HTTP_PROXY="http://mallory.example:3128")
    assert upstream.header("Proxy") is None


def test_a_listed_proxy_tells_of_the_way_before_it(upstream_of, ask):
    upstream = upstream_of()
    ask(
        upstream, trusts=lambda environ: environ["REMOTE_ADDR"] == "192.0.2.7", HTTP_X_FORWARDED_FOR="198.51.100.1",
        is_https=lambda environ: "HTTP_X_TLS" in environ, HTTP_X_TLS="1", **{"wsgi.url_scheme": "http"},
    )  # fmt: skip
    assert upstream.header("X-Forwarded-For") == "198.51.100.1, 192.0.2.7"
    assert upstream.header("X-Forwarded-Proto") == "https"


def test_the_portal_hears_of_the_second_factor(upstream_of, ask):
    upstream = upstream_of()
    told = {"wsgi_mfa.user": "zoë", "wsgi_mfa.method": "code", "wsgi_mfa.verified_at": 1700000000}
    ask(upstream, **told)
    assert upstream.header("X-Mfa-User") == "zo%C3%AB"
    assert upstream.header("X-Mfa-Method") == "code"
    assert upstream.header("X-Mfa-Verified-At") == "1700000000"


def test_a_portal_may_be_asked_by_its_own_name(upstream_of, ask):
    upstream = upstream_of()
    ask(upstream, keeps_host=False)
    assert upstream.header("Host") == f"127.0.0.1:{upstream.port}"
    assert upstream.header("X-Forwarded-Host") == "portal.example"


def test_each_cookie_comes_back_in_a_header_of_its_own(upstream_of, ask):
    answer = ask(upstream_of(b"HTTP/1.1 200 OK\nContent-Length: 0\nSet-Cookie: a=1\nSet-Cookie: b=2, c\n\n"))
    assert answer.all("Set-Cookie") == ["a=1", "b=2, c"]


def test_a_header_over_several_lines_becomes_one(upstream_of, ask):
    answer = ask(upstream_of(b"HTTP/1.1 200 OK\nContent-Length: 0\nX-Long: one\n\ttwo\n  three\n\n"))
    assert answer.all("X-Long") == ["one two three"]


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("/reports", "/reports"),
        ("reports?a=1", "reports?a=1"),
        ("http://portal.example/reports?a=1#x", "/reports?a=1#x"),
        ("https://portal.example", "/"),
        ("http://PORTAL.example//evil.example/", "/evil.example/"),
        ("http://127.0.0.1:{port}/reports", "/reports"),
        ("https://elsewhere.example/a", "https://elsewhere.example/a"),
        ("http://portal.example:81/", "http://portal.example:81/"),
        ("http://[", "http://["),
    ],
)
def test_a_redirect_of_the_portal_stays_on_the_site(upstream_of, ask, location, expected):
    upstream = upstream_of()
    written = location.format(port=upstream.port).encode()
    upstream.answer = upstream.answer.replace(b"2\r\n", b"2\r\nLocation: " + written + b"\r\n")
    assert ask(upstream).all("Location") == [expected]
