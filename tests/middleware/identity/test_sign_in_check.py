"""A sign-in at the portal itself shows a wrong setting of any adapter, and each way in that is not declared."""

from __future__ import annotations

from base64 import b64encode
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import parse_qs

import itsdangerous
import pytest

from wsgi_mfa import ConfigurationError, FlaskSession, LoginForm, RemoteUser
from wsgi_mfa.identity.request.undeclared import UndeclaredCredential, Where
from wsgi_mfa.identity.sign_in_check import SignIn, SignInCheck

pytestmark = pytest.mark.requirement("D43")
SECRET = "the secret of a portal in tests"
RIGHT = {"name": "check", "password": "correct horse"}


def signer(salt: str = "cookie-session") -> itsdangerous.URLSafeTimedSerializer:
    signing = {"key_derivation": "hmac", "digest_method": "sha1"}
    return itsdangerous.URLSafeTimedSerializer(SECRET, salt=salt, signer_kwargs=signing)


class Portal:
    """A portal with a form at ``/login``, whose session is ``cookie``; ``ways`` are where it looks for it too."""

    def __init__(self, *ways: str, key: str = "_user_id") -> None:
        self.ways = ways
        self.key = key

    def __call__(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        headers = [("Content-Type", "text/html")]
        path, _, parameters = environ["PATH_INFO"].partition(";")
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH", 0)))
        sent = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        query = {name: values[0] for name, values in parse_qs(environ["QUERY_STRING"]).items()}
        if path == "/login" and environ["REQUEST_METHOD"] == "POST":
            if sent == {**RIGHT, "token": "t"}:
                headers.append(("Set-Cookie", f"session={signer().dumps({self.key: 'check'})}; HttpOnly"))
                headers.append(("Set-Cookie", "stay=check; HttpOnly"))
            start_response("302 Found", [*headers, ("Location", "/")])
            return []
        if path == "/login":
            form = b'<form><input name="token" type="hidden" value="t"><input name="name"></form>'
            start_response("200 OK", headers)
            return [form]
        found = self._is_let_in(environ, parameters, query, sent)
        start_response("200 OK" if found else "302 Found", [*headers, ("Location", "/login")][: 2 - found])
        return [b"the account"]

    def _is_let_in(self, environ: dict[str, Any], parameters: str, query: Any, sent: Any) -> bool:
        cookies = {
            name: morsel.value for name, morsel in SimpleCookie(environ.get("HTTP_COOKIE", "")).items()
        }
        candidates = [cookies.get("session")]
        if "argument" in self.ways:
            candidates.append(query.get("session"))
        if "path" in self.ways:
            candidates.append(parameters.partition("session=")[2])
        if "header" in self.ways:
            candidates.append(environ.get("HTTP_X_SESSION"))
        if "body" in self.ways:
            candidates.append(sent.get("session"))
        if "inside" in self.ways:
            candidates.append(environ.get("HTTP_COOKIE", "").partition("; session=")[2].partition(";")[0])
        basic = b64encode(b"check:correct horse").decode()
        return (
            any(candidate and self._is_good(candidate) for candidate in candidates)
            or ("stay" in self.ways and cookies.get("stay") == "check")
            or ("basic" in self.ways and environ.get("HTTP_AUTHORIZATION") == f"Basic {basic}")
            or ("query" in self.ways and query == RIGHT)
            or ("form" in self.ways and sent == RIGHT)
        )

    @staticmethod
    def _is_good(value: str) -> bool:
        try:
            signer().loads(value)
        except itsdangerous.BadData:
            return False
        return True


def checked(portal: Any, adapter: Any = None, extra: Any = (), **changes: Any) -> Any:
    settings = {"path": "/login", "page": "/account", "user_field": "name", "user": "check"}
    sign_in = SignIn(**{**settings, "password": "correct horse", **changes})
    identity = adapter or FlaskSession(SECRET, user_key="_user_id")
    return SignInCheck(portal, identity, sign_in, extra_undeclared=extra).run()


def test_right_settings_are_all_right() -> None:
    report = checked(Portal())
    assert (report.problems, report.notes) == ((), ())


@pytest.mark.parametrize(
    ("adapter", "told"),
    [
        ({"user_key": "user"}, "proves nothing"),
        ({"user_key": "user", "anonymous_keys": ["_user_id"]}, "sees a visitor"),
        ({"cookie": "sessionid"}, "sees a visitor"),
        ({"salt": "another"}, "proves nothing"),
        ({"secret_key": "another secret of a portal"}, "proves nothing"),
        ({"user": lambda value: None}, "sees a visitor"),
        ({"user": lambda value: [value]}, "proves nothing"),
        ({"user": lambda value: value["id"]}, "user failed"),
    ],
)
def test_each_wrong_setting_is_told_of(adapter: dict[str, Any], told: str) -> None:
    report = checked(Portal(), FlaskSession(**{"secret_key": SECRET, "user_key": "_user_id", **adapter}))
    assert any(told in problem for problem in report.problems), report


def test_a_portal_with_another_key_is_told_of() -> None:
    [problem] = checked(Portal(key="user")).problems
    assert "proves nothing" in problem


@pytest.mark.parametrize(
    "changes",
    [
        {"password": "wrong"},
        {"user": "another"},
        {"user_field": "user"},
        {"password_field": "pass"},
        {"fields": {"more": "1"}},
        {"path": "/elsewhere"},
    ],
)
def test_a_sign_in_that_fails_names_what_may_be_wrong(changes: dict[str, Any]) -> None:
    [problem] = checked(Portal(), **changes).problems
    assert "password_field" in problem
    assert "[sign_in]" in problem


@pytest.mark.parametrize(
    ("way", "problem", "note"),
    [
        ("argument", 'also_by = ["argument session"]', None),
        ("header", 'also_by = ["header X-Session"]', None),
        ("path", None, "path parameter ;session="),
        ("body", "from a form's body", None),
        ("inside", None, "inside another cookie"),
        ("stay", "the cookie 'stay' signs users in by itself", None),
        ("basic", None, "HTTP Basic"),
        ("query", "from the query of any page", None),
        ("form", "the sign-in form at /account too", None),
    ],
)
def test_each_other_way_in_is_found(way: str, problem: str | None, note: str | None) -> None:
    report = checked(Portal(way))
    assert len(report.problems) == (problem is not None), report
    assert len(report.notes) == (note is not None), report
    assert problem is None or problem in report.problems[0]
    assert note is None or note in report.notes[0]


def test_a_way_that_is_declared_is_a_note() -> None:
    extra = [
        UndeclaredCredential(where=Where.ARGUMENT, pattern="session", reason="also_by"),
        UndeclaredCredential(where=Where.ENVIRON, pattern="HTTP_X_SESSION", reason="also_by"),
        UndeclaredCredential(where=Where.COOKIE, pattern="stay", reason="a setting"),
    ]
    report = checked(Portal("argument", "header", "stay"), extra=extra)
    assert report.problems == ()
    assert len(report.notes) == 2


def test_an_observed_login_is_tried_by_the_other_ways_as_well() -> None:
    form = LoginForm(
        ["/login"], "name", cookies=["session"], succeeded=["cookie=session"], failed=["cookie!=session"]
    )
    report = checked(Portal("argument", "stay"), form)
    assert len(report.problems) == 1
    assert "'stay'" in report.problems[0]
    assert "argument session too: it is removed" in report.notes[0]


def test_a_page_that_visitors_see_proves_nothing() -> None:
    with pytest.raises(ConfigurationError, match="legal is a page for signed-in users alone"):
        checked(Portal(), page="/login")


def test_a_portal_that_fails_is_told_of() -> None:
    def broken(environ: Any, start_response: Any) -> Any:
        raise OSError("no database")

    with pytest.raises(ConfigurationError, match="no database"):
        checked(broken)


def test_an_adapter_without_a_cookie_has_nothing_to_be_tried() -> None:
    with pytest.raises(ConfigurationError, match="RemoteUser reads no cookie"):
        checked(Portal(), RemoteUser())
