"""The rehearsal plays a sign-in as a browser of the portal's users would: at its own name, by its own form."""

from __future__ import annotations

from urllib.parse import parse_qs

import pytest

from wsgi_mfa import ConfigurationError, LoginForm
from wsgi_mfa.adapters import SignInProbe

PAGE = b"""<form action="/search"><input type="hidden" name="action" value="search"><input name="q"></form>
<form method="post"><input type="hidden" name="action" value="login"><input type="hidden" name="token" value="t1">
<input name="name"><input type="password" name="password"></form>
<form><input type="hidden" name="action" value="register"></form>"""


def portal(environ, start_response):
    """A portal with three forms, which answers to one name alone."""
    own = (environ["wsgi.url_scheme"], environ["HTTP_HOST"], environ["SERVER_PORT"])
    if own != ("http", "portal.example:8080", "8080") or not environ["HTTP_REFERER"].startswith(
        "http://portal.example:8080/"
    ):
        start_response("400 Bad Request", [])
        return [b"another portal"]
    if environ["REQUEST_METHOD"] == "GET":
        start_response("200 OK", [("Content-Type", "text/html")])
        return [PAGE]
    sent = parse_qs(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])).decode())
    right = sent == {"action": ["login"], "token": ["t1"], "name": ["check"], "password": ["correct horse"]}
    start_response(
        "302 Found", [("Location", "/start"), ("Set-Cookie", "sid=1")] if right else [("Location", "/")]
    )
    return []


def form(**settings):
    rehearsal = SignInProbe(portal, user="check", password="correct horse", **settings)
    return LoginForm(
        ["/"], "name", cookies=["sid"], succeeded=["cookie=sid"], failed=["location=/"], rehearsal=rehearsal
    )


@pytest.mark.requirement("D9")
def test_it_signs_in_by_the_form_that_has_the_field_and_under_the_portals_own_name():
    assert form(origin="http://portal.example:8080").selftest() == []


def test_under_another_name_it_says_what_was_answered():
    assert "status 400" in form().selftest()[0]


@pytest.mark.parametrize("origin", ["portal.example", "ftp://portal.example", "https://portal.example/", ""])
def test_what_is_no_origin_is_refused(origin):
    with pytest.raises(ConfigurationError, match="origin is"):
        form(origin=origin)
