"""Other names by which a portal signs its user in: each would be a user of its own, who may enroll (D1)."""

from __future__ import annotations

import unicodedata
from urllib.parse import parse_qs

import pytest

from wsgi_mfa import KeyRing, LoginForm, MfaMiddleware
from wsgi_mfa.adapters import SignInProbe
from wsgi_mfa.errors import ConfigurationError
from wsgi_mfa.identity.observed_login.other_names import folds_alike, other_names

pytestmark = pytest.mark.requirement("D1", "D44")

KEYS = KeyRing.from_text("k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8")


def strict(name):
    return name


def caseless(name):
    return name.lower().strip()


def accentless(name):
    decomposed = unicodedata.normalize("NFD", name.lower())
    return "".join(each for each in decomposed if not unicodedata.combining(each))


def by_address_too(name):
    return name.partition("@")[0]


def portal_that(compares):
    """A portal with one user, ``ann@example.com`` or ``ann``, whose names it compares so."""

    def portal(environ, start_response):
        if environ["REQUEST_METHOD"] == "GET":
            start_response("200 OK", [("Content-Type", "text/html")])
            return [b'<form><input name="name"><input name="password"></form>']
        sent = parse_qs(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])).decode())
        if compares(sent["name"][0]) == compares("ann@example.com") and sent["password"] == ["right"]:
            start_response("302 Found", [("Location", "/"), ("Set-Cookie", "sid=1; HttpOnly")])
        else:
            start_response("200 OK", [("Content-Type", "text/html")])
        return []

    return portal


def form(compares, *, aliases=False, **settings):
    probe = SignInProbe(portal_that(compares), user="ann@example.com", password="right", **settings)
    return LoginForm(
        "/",
        "name",
        cookies=["sid"],
        succeeded=["status=302"],
        failed=["status=200"],
        aliases=aliases,
        rehearsal=probe,
    )


@pytest.mark.parametrize("compares", [strict, caseless])
def test_spellings_are_no_problem_since_they_are_asked_about(compares):
    assert form(compares).selftest() == []


@pytest.mark.parametrize(("compares", "name"), [(accentless, "'änn@example.com'"), (by_address_too, "'ann'")])
def test_a_name_that_would_be_another_user_is_one(compares, name):
    (problem, *_) = form(compares).selftest()
    assert f"signs 'ann@example.com' in by {name} too" in problem
    assert "aliases=True" in problem
    assert form(compares, aliases=True).selftest() == []


def test_names_that_the_operator_knows_are_tried_too():
    def by_number_too(name):
        return "ann@example.com" if name == "4711" else name

    assert form(by_number_too).selftest() == []
    assert "'4711'" in form(by_number_too, other_names=["4711"]).selftest()[0]


def test_a_portal_that_takes_made_up_names_tells_nothing():
    assert form(lambda name: "anyone").selftest() == []


def test_the_middleware_does_not_start_with_such_a_portal():
    with pytest.raises(ConfigurationError, match="would be another user here"):
        MfaMiddleware(
            portal_that(accentless),
            issuer="Client Portal",
            identity=form(accentless),
            store="memory://",
            keys=KEYS,
        )


def test_a_portal_that_fails_at_a_strange_name_does_not_take_it():
    def ascii_alone(name):
        return name.encode("ascii")

    assert form(ascii_alone).selftest() == []


@pytest.mark.parametrize("user", ["ann", "Ann@Example.com", "änn", "7", "i"])
def test_the_names_to_try_are_others(user):
    names = other_names(user)
    assert user not in names
    assert len(names) == len(set(names))
    assert not folds_alike("\n", user)
