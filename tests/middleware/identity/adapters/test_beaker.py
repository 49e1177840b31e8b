from __future__ import annotations

from typing import Any

import pytest

from wsgi_mfa.errors import AdapterUnavailableError, ConfigurationError
from wsgi_mfa.identity.adapter import UNRESOLVED, problems_of
from wsgi_mfa.identity.adapters.beaker import BeakerSession
from wsgi_mfa.identity.adapters.framework_session import fingerprint_of

pytest.importorskip("beaker.session")

from beaker.session import SessionObject

SECRET = "the secret of a portal in tests"


@pytest.fixture(params=["file", "memory", "dbm", "cookie"])
def options(request, tmp_path) -> dict[str, Any]:
    signed = {"validate_key": SECRET} if request.param == "cookie" else {"secret": SECRET}
    return {"type": request.param, "data_dir": str(tmp_path), "key": "sid", "timeout": "60", **signed}


@pytest.fixture
def adapter(options) -> BeakerSession:
    return BeakerSession(
        {f"beaker.session.{name}": value for name, value in options.items()}, user_key="user"
    )


@pytest.fixture
def session_of(adapter):
    """``session_of(user=...)``: what the browser's header is after Beaker has kept a session that holds it."""

    def make(header: str = "", **state: Any) -> str:
        session = SessionObject({"HTTP_COOKIE": header}, **adapter._options)
        session.update(state)
        session.save()
        session.persist()
        written = session.__dict__["_headers"]["cookie_out"]  # None for a session that goes on
        return written.strip().partition(";")[0].replace('"', "") if written else header

    return make


def test_the_user_is_the_one_in_the_session(adapter, session_of, options) -> None:
    header = session_of(user="alice")
    found = adapter.identify({"HTTP_COOKIE": header})
    assert found.user == "alice"
    assert (found.login is None) == (options["type"] == "cookie")
    assert adapter.identify({"HTTP_COOKIE": session_of(user=7)}).user == "7"
    assert adapter.identify({"HTTP_COOKIE": session_of(other="x")}) is None
    assert adapter.identify({}) is None
    assert adapter.credentials.cookies == ("sid",)
    assert problems_of(adapter, has_directory=False, ask_store=True) == []


@pytest.mark.requirement("R60")
def test_what_is_unknown_or_signed_otherwise_proves_nothing(adapter, session_of) -> None:
    header = session_of(user="alice")
    name, _, value = header.partition("=")
    flipped = ("0" if value[0] != "0" else "1") + value[1:]
    for wrong in (flipped, value[1:], value[:-1], value + "A", "x", "sid", "../../etc/passwd"):
        assert adapter.identify({"HTTP_COOKIE": f"{name}={wrong}"}) is UNRESOLVED, wrong
    assert adapter.identify({"HTTP_COOKIE": session_of(user=["alice"])}) is UNRESOLVED


@pytest.mark.requirement("D3")
def test_a_session_that_is_signed_in_under_its_old_id_is_seen(adapter, session_of) -> None:
    header = session_of(other="x")
    assert adapter.identify({"HTTP_COOKIE": header}) is None
    header = session_of(header, user="alice")
    assert adapter.identify({"HTTP_COOKIE": header}).user == "alice"


def test_an_unsigned_session_is_a_problem(tmp_path) -> None:
    adapter = BeakerSession({"type": "file", "data_dir": str(tmp_path)}, user_key="user")
    (problem,) = adapter.selftest()
    assert "set secret, in the portal too" in problem
    assert BeakerSession({"type": "memory"}, user_key="user", secret=SECRET).selftest() == []
    assert BeakerSession({"type": "cookie"}, user_key="user", secret=SECRET).selftest() == []


@pytest.mark.requirement("D7")
def test_a_store_that_fails_is_not_an_unknown_session(tmp_path) -> None:
    place = tmp_path / "a file"
    place.write_text("")
    adapter = BeakerSession(
        {"type": "file", "data_dir": str(place / "below"), "secret": SECRET}, user_key="user"
    )
    with pytest.raises(AdapterUnavailableError):
        adapter._of(_signed("x"))
    assert adapter.selftest() == []


def _signed(session_id: str) -> str:
    import hashlib
    import hmac

    return hmac.new(SECRET.encode(), session_id.encode(), hashlib.sha1).hexdigest() + session_id


def test_the_login_is_the_sessions_id(tmp_path) -> None:
    adapter = BeakerSession({"type": "memory", "secret": SECRET}, user_key="user")
    header = f"beaker.session.id={_signed('abc')}"
    session = SessionObject({"HTTP_COOKIE": header}, **adapter._options)
    session["user"] = "alice"
    session.save()
    session.persist()
    assert adapter.identify({"HTTP_COOKIE": header}).login == fingerprint_of("abc")


def test_options_that_beaker_does_not_take_are_named() -> None:
    with pytest.raises(ConfigurationError, match="options"):
        BeakerSession({"timeout": "soon"}, user_key="user")
