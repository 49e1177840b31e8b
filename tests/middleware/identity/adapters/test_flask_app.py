from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from wsgi_mfa.errors import AdapterUnavailableError, ConfigurationError
from wsgi_mfa.identity.adapter import (
    CHANGING_IDS,
    UNRESOLVED,
    Anonymous,
    Credentials,
    FirstFactor,
    problems_of,
)
from wsgi_mfa.identity.adapters.flask_app import FlaskApp
from wsgi_mfa.identity.adapters.framework_session import fingerprint_of

flask = pytest.importorskip("flask")
flask_login = pytest.importorskip("flask_login")

from flask.sessions import SessionInterface, SessionMixin  # noqa: E402 - after importorskip

SECRET = "the secret of a portal in tests"
REMEMBER = Credentials(cookies=("remember_token",))


class ServerSession(dict, SessionMixin):
    def __init__(self, sid: str, values: dict[str, Any]) -> None:
        super().__init__(values)
        self.sid = sid


class ServerSessions(SessionInterface):
    """Sessions on the server that keep their id over a sign-in, as Flask-Session and pgAdmin do."""

    def __init__(self) -> None:
        self.kept: dict[str, dict[str, Any]] = {}
        self.down = False

    def open_session(self, app, request):
        if self.down:
            raise OSError("no route to host")
        sid = request.cookies.get(self.get_cookie_name(app), "new")
        return ServerSession(sid, self.kept.get(sid, {"_permanent": True}))

    def save_session(self, app, session, response):
        self.kept[session.sid] = dict(session)


def make_app(interface: SessionInterface | None = None, *, with_login: bool = True) -> Any:
    app = flask.Flask("portal")
    app.secret_key = SECRET
    if interface is not None:
        app.session_interface = interface
    if with_login:
        manager = flask_login.LoginManager(app)
        manager.user_loader(lambda user_id: None)
    return app


@pytest.fixture
def app() -> Any:
    return make_app()


@pytest.fixture
def cookies_of(app):
    """``cookies_of(session, remembered=None)``: a ``Cookie`` header with both, as the application writes them."""

    def make(session: dict[str, Any] | None, remembered: str | None = None) -> dict[str, Any]:
        parts = []
        if session is not None:
            serializer = app.session_interface.get_signing_serializer(app)
            parts.append(f"session={serializer.dumps(session)}")
        if remembered is not None:
            with app.app_context():
                parts.append(f"remember_token={flask_login.encode_cookie(remembered)}")
        return {"HTTP_COOKIE": "; ".join(parts)}

    return make


def test_the_user_is_the_one_in_the_session(app, cookies_of) -> None:
    adapter = FlaskApp(app)
    assert adapter.credentials.cookies == ("session", "remember_token")
    assert adapter.identify(cookies_of({"_user_id": "alice"})) == FirstFactor(user="alice")
    assert adapter.identify(cookies_of({"csrf_token": "x"})) is None
    assert adapter.identify({}) is None
    assert adapter.identify({"HTTP_COOKIE": "session=made.up.text"}) is UNRESOLVED
    assert adapter.selftest() == []


def test_a_remember_me_cookie_is_a_user_too(app, cookies_of) -> None:
    adapter = FlaskApp(app)
    assert adapter.identify(cookies_of(None, "alice")) == FirstFactor(user="alice")
    assert adapter.identify(cookies_of({"csrf_token": "x"}, "alice")) == FirstFactor(user="alice")
    assert adapter.identify(cookies_of({"_user_id": "alice"}, "alice")) == FirstFactor(user="alice")


def test_a_remember_me_cookie_of_somebody_else_is_taken_out_from_beside_a_session(app, cookies_of) -> None:
    # Flask-Login would turn to it as soon as the session's user is gone.
    found = FlaskApp(app).identify(cookies_of({"_user_id": "alice"}, "admin"))
    assert found == FirstFactor(user="alice", unproven=REMEMBER)


@pytest.mark.requirement("R60")
def test_each_cookie_that_proves_nothing_is_taken_out_alone(app, cookies_of) -> None:
    adapter = FlaskApp(app)
    forged = "; remember_token=admin|" + "0" * 128

    def asked(environ: dict[str, Any], more: str) -> Any:
        return adapter.identify({"HTTP_COOKIE": environ["HTTP_COOKIE"] + more})

    assert asked(cookies_of({"_user_id": "alice"}), forged) == FirstFactor(user="alice", unproven=REMEMBER)
    assert asked(cookies_of({"csrf_token": "x"}), forged) == Anonymous(unproven=REMEMBER)
    assert asked({"HTTP_COOKIE": "session=x"}, forged) == Anonymous(unproven=adapter.credentials)
    session = Credentials(cookies=("session",))
    assert asked(cookies_of(None, "alice"), "; session=x") == FirstFactor(user="alice", unproven=session)
    assert adapter.identify({"HTTP_COOKIE": "remember_token=alice"}) == Anonymous(unproven=REMEMBER)


@pytest.mark.requirement("D3")
def test_a_session_on_the_server_is_asked_for_on_every_request() -> None:
    sessions = ServerSessions()
    adapter = FlaskApp(make_app(sessions))
    environ = {"HTTP_COOKIE": "session=s1"}
    assert adapter.identify(environ) is UNRESOLVED
    sessions.kept["s1"] = {"_permanent": True, "csrf_token": "x"}
    assert adapter.identify(environ) is None
    sessions.kept["s1"]["_user_id"] = "alice"
    assert adapter.identify(environ) == FirstFactor(user="alice", login=fingerprint_of("s1"))
    assert environ == {"HTTP_COOKIE": "session=s1"}


@pytest.mark.requirement("D7")
def test_sessions_that_cannot_be_asked_for_are_not_unknown() -> None:
    sessions = ServerSessions()
    adapter = FlaskApp(make_app(sessions))
    sessions.down = True
    with pytest.raises(AdapterUnavailableError, match="no route to host"):
        adapter.identify({"HTTP_COOKIE": "session=s1"})
    (problem,) = adapter.store_selftest()
    assert "no route to host" in problem


def test_the_selftest_asks_where_the_user_is() -> None:
    bare = make_app(with_login=False)
    (problem,) = FlaskApp(bare).selftest()
    assert "user_key= must say" in problem
    adapter = FlaskApp(bare, user_key="username")
    assert adapter.selftest() == []
    assert adapter.credentials.cookies == ("session",)
    unsigned = make_app()
    unsigned.secret_key = None
    assert FlaskApp(unsigned).selftest() == ["FlaskApp: the application has no SECRET_KEY"]


def test_a_factory_is_no_application() -> None:
    with pytest.raises(ConfigurationError, match="not a factory"):
        FlaskApp(make_app)


@pytest.mark.requirement("D1")
def test_the_ids_of_flask_security_need_a_directory():
    app = make_app()
    assert problems_of(FlaskApp(app), has_directory=False) == []
    app.extensions["security"] = object()
    assert problems_of(FlaskApp(app), has_directory=False) == [CHANGING_IDS]
    assert problems_of(FlaskApp(app), has_directory=True) == []


class CurrentRequestSessions(ServerSessions):
    """An interface that asks for the current request, which Flask's own way of opening a session gives it."""

    def open_session(self, app, request):
        assert flask.request.cookies == request.cookies
        return super().open_session(app, request)


def test_an_interface_that_asks_for_the_current_request_is_given_one():
    sessions = CurrentRequestSessions()
    sessions.kept = {"s1": {"_user_id": "7"}, "s2": {"lang": "de"}}
    adapter = FlaskApp(make_app(sessions))
    assert adapter.store_selftest() == []
    for _ in range(2):
        assert adapter.identify({"HTTP_COOKIE": "session=s1"}).user == "7"
        assert adapter.identify({"HTTP_COOKIE": "session=s2"}) is None
        assert adapter.identify({"HTTP_COOKIE": "session=s3"}) is UNRESOLVED
    sessions.down = True
    with pytest.raises(AdapterUnavailableError, match="no route"):
        adapter.identify({"HTTP_COOKIE": "session=s1"})
    assert not flask.has_request_context()  # no request stays behind as the current one


@pytest.fixture
def vendored(monkeypatch):
    """``vendored(decode)``: an application that brings a copy of Flask-Login in a package of its own."""

    def make(decode: Any = None) -> Any:
        package, utils, managers = (
            ModuleType(name) for name in ("shelf_login", "shelf_login.utils", "shelf_login.login_manager")
        )
        if decode is not None:
            utils.decode_cookie = decode
        for module in (package, utils, managers):
            monkeypatch.setitem(sys.modules, module.__name__, module)
        copied = type("LoginManager", (), {"__module__": managers.__name__})
        manager = type("ShelfLoginManager", (copied,), {"__module__": "shelf.users"})()
        manager._user_callback = {"7": SimpleNamespace(get_id=lambda: 7)}.get
        application = make_app(with_login=False)
        application.login_manager = manager
        return application

    return make


@pytest.mark.requirement("D43")
def test_the_applications_own_copy_of_flask_login_reads_its_cookie(vendored) -> None:
    adapter = FlaskApp(vendored({"good": "7"}.get))
    assert adapter.credentials.cookies == ("session", "remember_token")
    assert adapter.identify({"HTTP_COOKIE": "remember_token=good"}) == FirstFactor(user="7")
    assert adapter.identify({"HTTP_COOKIE": "remember_token=bad"}) == Anonymous(unproven=REMEMBER)


@pytest.mark.requirement("D43")
@pytest.mark.parametrize("decode", [{"good": "7|more"}.get, {"good": "8"}.get, None])
def test_a_copy_whose_cookie_means_no_known_user_lets_nobody_in(vendored, decode) -> None:
    adapter = FlaskApp(vendored(decode))
    assert adapter.identify({"HTTP_COOKIE": "remember_token=good"}) == Anonymous(unproven=REMEMBER)


@pytest.mark.requirement("D43")
def test_a_copy_that_cannot_ask_for_its_user_is_no_answer(vendored) -> None:
    application = vendored({"good": "7"}.get)
    application.login_manager._user_callback = None
    with pytest.raises(AdapterUnavailableError, match="cannot ask for a user"):
        FlaskApp(application).identify({"HTTP_COOKIE": "remember_token=good"})


@pytest.mark.requirement("D39")
def test_an_interface_of_the_applications_own_may_look_elsewhere_for_the_session() -> None:
    assert FlaskApp(make_app()).traits.cookies_alone
    assert not FlaskApp(make_app(ServerSessions())).traits.cookies_alone


@pytest.mark.requirement("D43")
def test_a_user_under_another_key_is_no_visitor(app, cookies_of) -> None:
    assert FlaskApp(app).identify(cookies_of({"user": "alice"})) is UNRESOLVED
    assert FlaskApp(app, anonymous_keys=["user"]).identify(cookies_of({"user": "alice"})) is None
