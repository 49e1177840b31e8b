"""A path is exempt only where every reader reads the same path."""

from __future__ import annotations

import pytest

from wsgi_mfa.core.access_rules import is_exempt, is_rule

RULES = ("/static", "/health/live")


@pytest.mark.requirement("R63")
@pytest.mark.parametrize(
    "path", ["/static", "/static/", "/static/portal.css", "/static/a/b.c", "/health/live"]
)
def test_a_path_at_or_below_a_rule_is_exempt(path):
    assert is_exempt(path, RULES)


@pytest.mark.requirement("R63", "R64")
@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "static",
        "/reports",
        "/staticx",
        "/static.css",
        "/STATIC/portal.css",
        "/health",
        "/health/live2",
        "/static/..",
        "/static/../reports",
        "/static/./portal.css",
        "/static//reports",
        "//static/portal.css",
        "/static/a//",
        "/static\\..\\reports",
        "/static/;/reports",
        "/static;x/portal.css",
        "/static/%2e%2e/reports",
        "/static/%2freports",
        "/static/\x00",
        "/static/portal.css\x00",
        "/static/ reports",
        "/static/\xe9",
        "/static/\n",
        "http://evil.example/static/portal.css",
        "/http://portal/static",
        "/reports?/static",
        "/static/...;/reports",
    ],
)
def test_a_path_that_can_be_read_in_two_ways_is_never_exempt(path):
    assert not is_exempt(path, RULES)


@pytest.mark.requirement("R63")
def test_nothing_is_exempt_by_itself():
    assert not is_exempt("/static/portal.css", ())


@pytest.mark.requirement("R63")
@pytest.mark.parametrize(
    "path",
    [
        "*",
        "/*",
        "/static/*",
        "",
        "/",
        "static",
        "/a//b",
        "/a/",
        "/a/../b",
        "/.",
        "^/a$",
        "/a;b",
        "/%61",
        None,
        1,
    ],
)
def test_a_pattern_is_no_rule(path):
    assert not is_rule(path)


@pytest.mark.parametrize("path", ["/static", "/health/live", "/a.b/c-d_e~f", "/+static", "/a+b"])
def test_a_plain_path_is_a_rule(path):
    assert is_rule(path)
