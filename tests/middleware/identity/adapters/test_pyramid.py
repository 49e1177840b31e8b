from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import pickle
from typing import Any

import pytest

from wsgi_mfa.core.instants import SECOND
from wsgi_mfa.errors import ConfigurationError
from wsgi_mfa.identity.adapter import UNRESOLVED, FirstFactor
from wsgi_mfa.identity.adapters.pyramid import PyramidSession

SECRET = "the secret of a portal in tests"
ALICE = FirstFactor(user="alice")


def signed(data: bytes, *, key: bytes = b"pyramid.session." + SECRET.encode(), digest: str = "sha512") -> str:
    return base64.urlsafe_b64encode(hmac.digest(key, data, digest) + data).rstrip(b"=").decode()


def environ(value: str) -> dict[str, Any]:
    return {"HTTP_COOKIE": f"session={value}; other=1"}


@pytest.fixture
def cookie(clock):
    """``cookie(state)``: a session of now that holds it."""

    def make(state: Any, *, age_seconds: float = 0, dumps: Any = None, **signing: Any) -> str:
        now = clock.now() / SECOND - age_seconds
        data = (now, now - 60, state)
        return signed(dumps(data) if dumps else json.dumps(data).encode(), **signing)

    return make


@pytest.fixture
def adapter(clock) -> PyramidSession:
    return PyramidSession(SECRET, clock=clock, user_key="auth.userid")


def test_the_user_is_the_one_in_the_session(adapter, cookie) -> None:
    assert adapter.identify(environ(cookie({"auth.userid": "alice"}))) == ALICE
    assert adapter.identify(environ(cookie({"auth.userid": 7}))) == FirstFactor(user="7")
    assert adapter.identify(environ(cookie({"_csrft_": "x"}))) is None
    assert adapter.identify({}) is None
    assert adapter.credentials.cookies == ("session",)
    assert adapter.selftest() == []


@pytest.mark.requirement("R60")
def test_what_was_changed_or_signed_otherwise_proves_nothing(adapter, cookie) -> None:
    good = cookie({"auth.userid": "alice"})
    state = {"auth.userid": "alice"}
    for wrong in (
        good[:-1],
        good + "A",
        ("A" if good[0] != "A" else "B") + good[1:],
        good + "=",
        "AAAA",
        "A",
        cookie(state, key=SECRET.encode()),
        cookie(state, digest="sha256"),
        cookie(["auth.userid"]),
        cookie({"auth.userid": ["alice"]}),
        cookie({"auth.userid": ""}),
        signed(b"not json"),
        signed(b'{"auth.userid": "alice"}'),
        signed(b'["x", 1, {"auth.userid": "alice"}]'),
    ):
        assert adapter.identify(environ(wrong)) is UNRESOLVED, wrong


def test_a_session_ends_when_it_is_not_renewed(adapter, cookie, clock) -> None:
    state = {"auth.userid": "alice"}
    assert adapter.identify(environ(cookie(state, age_seconds=1200))) == ALICE
    assert adapter.identify(environ(cookie(state, age_seconds=1201))) is UNRESOLVED
    lasting = PyramidSession(SECRET, timeout_seconds=None, clock=clock, user_key="auth.userid")
    assert lasting.identify(environ(cookie(state, age_seconds=10**8))) == ALICE


def test_a_session_of_the_older_pyramid_is_read_without_any_class_in_it(cookie, clock) -> None:
    adapter = PyramidSession(SECRET, serializer="pickle", clock=clock, user_key="auth.userid")
    assert adapter.identify(environ(cookie({"auth.userid": "alice"}, dumps=pickle.dumps))) == ALICE
    acting = cookie({"auth.userid": "alice", "x": os.getcwd}, dumps=pickle.dumps)
    assert adapter.identify(environ(acting)) is UNRESOLVED


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"secret": "short"}, "secret must have at least 8 characters"),
        ({"digest": "sha5"}, "digest is 'sha5'"),
        ({"serializer": "yaml"}, "serializer is 'yaml': legal are json, pickle"),
        ({"timeout_seconds": 0}, "timeout_seconds is 0"),
    ],
)
def test_a_setting_without_a_legal_value_is_named(settings: dict[str, Any], named: str) -> None:
    with pytest.raises(ConfigurationError, match=named):
        PyramidSession(**{"secret": SECRET, "user_key": "auth.userid", **settings})


@pytest.mark.filterwarnings("ignore:pkg_resources is deprecated")
@pytest.mark.filterwarnings("ignore:Deprecated call to `pkg_resources")
def test_pyramid_itself_writes_what_is_read() -> None:
    pyramid_session = pytest.importorskip("pyramid.session")
    request_module = pytest.importorskip("pyramid.request")
    for secret, salt in ((SECRET, "pyramid.session."), ("gehëim und lang", "x"), ("秘密の長い言葉です", "x")):
        serializer = pyramid_session.JSONSerializer()  # the default since Pyramid 2.0
        factory = pyramid_session.SignedCookieSessionFactory(secret, salt=salt, serializer=serializer)
        request = request_module.Request.blank("/")
        session = factory(request)
        session["auth.userid"] = "alice"
        response = _response()
        request._process_response_callbacks(response)
        value = response.headers["Set-Cookie"].partition(";")[0].partition("=")[2]
        assert PyramidSession(secret, salt=salt, user_key="auth.userid").identify(environ(value)) == ALICE
        assert (
            PyramidSession(SECRET + "x", salt=salt, user_key="auth.userid").identify(environ(value))
            is UNRESOLVED
        )


def _response() -> Any:
    return pytest.importorskip("pyramid.response").Response()


def test_the_digest_is_the_factorys() -> None:
    adapter = PyramidSession(SECRET, digest="sha256", timeout_seconds=None, user_key="auth.userid")
    data = json.dumps([1, 1, {"auth.userid": "alice"}]).encode()
    assert adapter.identify(environ(signed(data, digest="sha256"))) == ALICE
    assert hashlib.new("sha256").digest_size == 32
