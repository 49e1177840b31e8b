"""Each setting of an adapter, set wrongly one at a time: the password alone opens no page, and the log says which."""

from __future__ import annotations

import re
from typing import Any

import pytest

from wsgi_mfa import AuthTkt, BeakerSession, ConfigurationError, FlaskSession, PyramidSession

pytestmark = [
    pytest.mark.requirement("D43"),
    pytest.mark.filterwarnings("ignore:pkg_resources is deprecated"),  # Pyramid imports it
    pytest.mark.filterwarnings("ignore:Deprecated call to `pkg_resources"),
]
SECRET = "the secret of a portal in tests"
OTHER = "the secret of another portal"


def flask_portal() -> Any:
    flask = pytest.importorskip("flask")
    app = flask.Flask("portal")
    app.secret_key = SECRET

    @app.route("/sign-in")
    def sign_in():
        flask.session["person"] = "alice"
        return "you are in"

    @app.route("/")
    def home():
        return f"user: {flask.session.get('person')}"

    return app


def pyramid_portal() -> Any:
    pytest.importorskip("pyramid")
    from pyramid.config import Configurator
    from pyramid.response import Response
    from pyramid.session import JSONSerializer, SignedCookieSessionFactory

    def sign_in(request):
        request.session["person"] = "alice"
        return Response("you are in")

    def home(request):
        return Response(f"user: {request.session.get('person')}")

    with Configurator() as config:
        config.set_session_factory(SignedCookieSessionFactory(SECRET, serializer=JSONSerializer()))
        for name, path, view in (("in", "/sign-in", sign_in), ("home", "/", home)):
            config.add_route(name, path)
            config.add_view(view, route_name=name)
        return config.make_wsgi_app()


def beaker_portal() -> Any:
    middleware = pytest.importorskip("beaker.middleware")

    def portal(environ, start_response):
        session = environ["beaker.session"]
        if environ["PATH_INFO"] == "/sign-in":
            session["person"] = "alice"
            session.save()
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [f"user: {session.get('person')}".encode()]

    options = {"type": "memory", "key": "portal", "secret": SECRET}
    return middleware.SessionMiddleware(portal, {f"session.{key}": value for key, value in options.items()})


def ticket_portal() -> Any:
    pytest.importorskip("pyramid")
    from pyramid.authentication import AuthTktCookieHelper
    from webob import Request, Response

    helper = AuthTktCookieHelper(SECRET, hashalg="sha512")

    def portal(environ, start_response):
        request, response = Request(environ), Response()
        if request.path_info == "/sign-in":
            response.headerlist += helper.remember(request, "alice")
        found = helper.identify(request)
        response.text = f"user: {found and found['userid']}"
        return response(environ, start_response)

    return portal


def beaker(**changes: Any) -> BeakerSession:
    user_key = changes.pop("user_key", "person")
    options = {"type": "memory", "key": "portal", "secret": SECRET, **changes}
    return BeakerSession(options, user_key=user_key)


RIGHT = {"secret": SECRET, "user_key": "person"}
CASES = [
    *(
        (flask_portal, FlaskSession, {"secret_key": SECRET, "user_key": "person"}, wrong)
        for wrong in (
            {"secret_key": OTHER},
            {"cookie": "sid"},
            {"salt": "x"},
            {"user": lambda value: [value]},
        )
    ),
    *(
        (pyramid_portal, PyramidSession, RIGHT, wrong)
        for wrong in (
            *({"secret": OTHER}, {"cookie": "sid"}, {"salt": "x"}, {"digest": "sha256"}),
            *({"serializer": "pickle"}, {"timeout_seconds": 1}),
        )
    ),
    *((beaker_portal, beaker, {}, wrong) for wrong in ({"secret": OTHER}, {"key": "sid"}, {"type": "file"})),
    *(
        (ticket_portal, AuthTkt, {"secret": SECRET}, wrong)
        for wrong in ({"secret": OTHER}, {"cookie": "authtkt"}, {"digest": "md5"}, {"include_ip": True})
    ),
]


@pytest.mark.parametrize(("make", "adapter", "right", "wrong"), CASES)
def test_the_password_alone_shows_no_page_of_its_user(
    wrapped, new_browser, tmp_path, make, adapter, right, wrong
):
    if wrong.get("type") == "file":
        wrong = {**wrong, "data_dir": str(tmp_path)}
    application = make()
    good = new_browser(
        wrapped(application, identity=adapter(**right), seal_credentials=True, validated=False),
        validated=False,
    )
    assert good.request("GET", "/sign-in").status == 401, "with right settings it is held"
    try:
        identity = adapter(**{**right, **wrong})
        bad = wrapped(application, identity=identity, seal_credentials=True, validated=False)
    except ConfigurationError:
        return
    browser = new_browser(bad, validated=False)
    browser.request("GET", "/sign-in")
    for _ in range(2):
        answer = browser.request("GET", "/")
        assert re.search("user: alice", answer.text) is None, answer.text
