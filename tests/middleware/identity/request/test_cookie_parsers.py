"""What is left of a Cookie header is read by the parsers of real frameworks: none finds a credential in it (D39a).

``tox run -e parsers`` installs all of them and sweeps further; elsewhere those that are there are tried.
"""

from __future__ import annotations

import importlib
import itertools
import os
import re
from collections.abc import Callable, Iterable
from http.cookies import CookieError, SimpleCookie
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from wsgi_mfa.identity.request.cookie_header import CookieReader
from wsgi_mfa.identity.request.undeclared import UndeclaredTable

pytestmark = pytest.mark.requirement("D39a")

NAMES = ("portal_session", "auth_tkt", "__ac", "session")
STOLEN = "V123"
READER = CookieReader(
    credentials=NAMES,
    own=("__Host-wsgi_mfa_session",),
    undeclared_credentials=UndeclaredTable(),
    anonymous=None,
)
ALL = os.environ.get("MFA_PARSERS") == "all"

Parser = Callable[[str], Iterable[tuple[str, Any]]]


def simple_cookie(header: str) -> Iterable[tuple[str, str]]:
    """As the standard library of this interpreter, and so Bottle, CherryPy and older Django read cookies."""
    try:
        return [(name, morsel.value) for name, morsel in SimpleCookie(header).items()]
    except CookieError:
        return []


def werkzeug(header: str) -> Iterable[tuple[str, str]]:
    return list(importlib.import_module("werkzeug.http").parse_cookie(header).items(multi=True))


def webob(header: str) -> Iterable[tuple[str, str]]:
    request = importlib.import_module("webob").Request({"HTTP_COOKIE": header})
    return list(request.cookies.items())


def django(header: str) -> Iterable[tuple[str, str]]:
    return list(importlib.import_module("django.http.cookie").parse_cookie(header).items())


def bottle(header: str) -> Iterable[tuple[str, str]]:
    return list(importlib.import_module("bottle").BaseRequest({"HTTP_COOKIE": header}).cookies.items())


def falcon(header: str) -> Iterable[tuple[str, Any]]:
    testing = importlib.import_module("falcon.testing")
    request = importlib.import_module("falcon").Request(testing.create_environ(headers={"Cookie": header}))
    return list(request.cookies.items())


def tornado(header: str) -> Iterable[tuple[str, str]]:
    return list(importlib.import_module("tornado.httputil").parse_cookie(header).items())


def cherrypy(header: str) -> Iterable[tuple[str, str]]:
    request = importlib.import_module("cherrypy._cprequest").Request(
        SimpleNamespace(ip="127.0.0.1", port=1, name=""), SimpleNamespace(ip="127.0.0.1", port=1, name="")
    )
    request.header_list = [("Cookie", header)]
    try:
        request.process_headers()
    except importlib.import_module("cherrypy").HTTPError:
        return []
    return [(name, morsel.value) for name, morsel in request.cookie.items()]


def zope(header: str) -> Iterable[tuple[str, str]]:
    return list(importlib.import_module("ZPublisher.HTTPRequest").parse_cookie(header).items())


def php(header: str) -> Iterable[tuple[str, str]]:
    """As PHP's manual has it: names are decoded, and `.`, space and the first `[` become `_`."""
    for part in header.split(";"):
        name, _, value = part.partition("=")
        name = unquote(name.replace("+", " "), encoding="latin-1").lstrip(" \t").partition("\0")[0]
        base, bracket, index = name.partition("[")
        name = base if bracket and "]" in index else name
        yield re.sub(r"[ .\[]", "_", name), unquote(value)


def perl(header: str) -> Iterable[tuple[str, str]]:
    """As Perl's CGI::Cookie: `;` and `,` separate, names and values are decoded, `%uXXXX` too."""
    for part in re.split("[;,]", header):
        name, _, value = part.strip().partition("=")
        yield tuple(  # type: ignore[misc]
            unquote(re.sub("%u00(..)", r"%\1", text.replace("+", " ")), encoding="latin-1").strip()
            for text in (name, value)
        )


PARSERS: dict[str, Parser] = {
    each.__name__: each
    for each in (simple_cookie, werkzeug, webob, django, bottle, falcon, tornado, cherrypy, zope, php, perl)
}
NEEDED = {"zope": "ZPublisher"}
OWN_MODELS = ("simple_cookie", "php", "perl")


@pytest.fixture(params=PARSERS, scope="module")
def parser(request: pytest.FixtureRequest) -> Parser:
    name = request.param
    if name not in OWN_MODELS and not ALL:
        pytest.importorskip(NEEDED.get(name, name))
    return PARSERS[name]


def found_in(parser: Parser, header: str) -> list[tuple[str, str]]:
    return [(name, str(value)) for name, value in parser(header) if name in NAMES]


def assert_hidden_from(parser: Parser, raw: str) -> None:
    """Whatever this parser finds in the canonical header, the middleware has seen as a credential itself."""
    read = READER.read(raw)
    assert found_in(parser, read.without_credentials) == []
    for name, value in found_in(parser, read.header):
        credential = read.credentials.get(name, "")
        assert value in (credential, unquote(credential), ""), raw


NAME_SPELLINGS = [
    lambda name: name,
    lambda name: name.upper(),
    lambda name: name.replace("_", "."),
    lambda name: name.replace("_", "-"),
    lambda name: name.replace("_", "%5B"),
    lambda name: name.replace("_", "%20"),
    lambda name: f"%{ord(name[0]):02x}{name[1:]}",
    lambda name: f"%25{ord(name[0]):02x}{name[1:]}",
    lambda name: f"%u00{ord(name[0]):02x}{name[1:]}",
    lambda name: f"\\{ord(name[0]):03o}{name[1:]}",
    lambda name: f"%20{name}",
    lambda name: f"{name}%5B%5D",
    lambda name: f"{name}%00",
]
BEFORE = [
    "", "x=", "x=[", "x=]", "x=a]", 'x="', 'x="a ', 'x="\\" ', "x=a;y=b[", "x=\\054", "x=%3B", "x=(", "x={", "x=a:",
    "x=a|", "x=a/", "x=?", "x=@", "x=a=", "x=a b;", "x\t=", "$Path=", "=", ";", ",", "x=a,", 'x="a"', "x='", "x=<",
    "\xe9=", "x%3B", "x%3D1%3B", "x=%5B", "x=%22%3B",
]  # fmt: skip
BETWEEN = ["=", " =", "= ", "%3D", "\\075", "[]=", "[x]=", "=="]
BEHIND = ["", '"', ";", "]", '\\""', "; y=1", ' "', ", z=2"]


def test_no_parser_finds_a_credential_in_another_cookie(parser: Parser) -> None:
    spellings = [spelling(name) for name in NAMES for spelling in NAME_SPELLINGS]
    every = list(itertools.product(BEFORE, spellings, BETWEEN, BEHIND))
    # A fixed sample of them, since all take minutes.
    for before, name, between, behind in every if ALL else every[::37]:
        assert_hidden_from(parser, f"{before}{name}{between}{STOLEN}{behind}")


PIECES = st.one_of(
    st.sampled_from(
        [*NAMES, STOLEN, "portal.session", "%61uth_tkt", "AUTH_TKT", "auth-tkt", "x", "$Version"]
    ),
    st.sampled_from(
        ["=", ";", "; ", ",", '"', "[", "]", "\\", " ", "\t", "%3D", "%3B", "%5B", "\\075", "\\054"]
    ),
    st.characters(max_codepoint=255),
)


@settings(max_examples=2000 if ALL else 150)
@given(st.lists(PIECES, max_size=16).map("".join))
@example("x=[auth_tkt=V123")
@example("portal.session=V123")
@example('x="\\" __ac=V123"')
@example("x=]session=V123; session=V124")
def test_no_parser_finds_a_credential_in_any_text(parser: Parser, raw: str) -> None:
    assert_hidden_from(parser, raw)
