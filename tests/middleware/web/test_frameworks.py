"""The middleware around real applications of Django, Flask, Pyramid and Beaker, driven by their own forms."""

from __future__ import annotations

import re
from functools import partial
from typing import Any

import pytest

from wsgi_mfa import BeakerSession, DjangoSession, FlaskApp, LoginForm, PyramidSession, django_person
from wsgi_mfa.adapters import SignInProbe

pytestmark = pytest.mark.any_python

SECRET = "the secret of a portal in tests"
PASSWORD = "correct horse"


@pytest.fixture(params=[True, False], ids=["sealed", "in clear"])
def wrapped(request, wrapped):
    """The middleware around an application, with its cookies sealed and without."""
    return partial(wrapped, seal_credentials=request.param)


def story(browser: Any, *, phone_of: Any, clock: Any, sign_in: Any, sign_out: Any, page: str) -> None:
    """What holds of every portal: each answer that shows ``page`` has a second factor behind it."""
    assert browser.request("GET", page).status != 200
    held = sign_in(browser)
    assert held.status == 303, held.text
    assert "/mfa/enroll" in held.location
    password_only = dict(browser.cookies)
    assert browser.get_json(page).problem == "must_enroll"
    phone = browser.enroll(page, phone_of)
    assert browser.navigate(page).status == 200
    verified = dict(browser.cookies)

    # Another browser with the password alone, in every spelling of its cookie.
    for header in spellings(password_only):
        stranger = type(browser)(browser.application, script_name=browser.script_name)
        answer = stranger.request("GET", page, environ={"HTTP_COOKIE": header})
        assert answer.status != 200, header

    sign_out(browser)
    assert browser.request("GET", page).status != 200
    browser.cookies = verified
    assert browser.request("GET", page).status != 200, "old cookies still open the portal"

    browser.cookies = {}
    clock.wait_for_step()
    held = sign_in(browser)
    assert "/mfa/verify" in held.location
    assert browser.request("GET", page).status != 200
    assert browser.enter_code(page, phone).page.outcome == "signed_in"
    assert browser.navigate(page).status == 200


def spellings(cookies: dict[str, str]) -> list[str]:
    """The portal's cookies, spelt as applications were seen to read them and careless filters were not."""
    made = []
    for name, value in cookies.items():
        if "wsgi_mfa" in name:
            continue
        octal = '"' + "".join(f"\\{ord(letter):03o}" for letter in value) + '"'
        made += [
            f"{name}={value}",
            f"{name}=junk; {name}={value}",
            f"{name}={value}; {name}=junk",
            f"{name}=; {name}={value}",
            f"{name}={octal}",
            f'{name}="{value}"',
            f"junk=1, {name}={value}",
            f"$Version=1; {name}={value}",
            f"b[a]d=1; {name}={value}",
            f"; =nameless; {name}={value}",
            f'x="; {name}={value}; y="',
            f"{name} ={value}",
            f"{name}={value}; $Path=/",
        ]
    return made


@pytest.mark.parametrize("script_name", ["", "/portal"])
@pytest.mark.parametrize("engine", ["db", "cached_db", "cache", "file", "signed_cookies"])
def test_the_admin_site_of_django(
    engine, script_name, django_project, tmp_path, wrapped, new_browser, phone_of, clock, monkeypatch
):
    from django.core.handlers.wsgi import WSGIHandler

    with django_project.using(engine, tmp_path):
        django_project.users().filter(username="root").delete()
        django_project.users().create_superuser("root", "root@example.com", PASSWORD)
        application = wrapped(WSGIHandler(), identity=DjangoSession(), directory=django_person)
        browser = new_browser(application, script_name=script_name)
        login = f"{script_name}/admin/login/"

        def token(text: str) -> str:
            return re.search('name="csrfmiddlewaretoken" value="([^"]+)"', text)[1]

        def sign_in(browser: Any) -> Any:
            form = browser.navigate(login).text
            fields = {"username": "root", "password": PASSWORD, "csrfmiddlewaretoken": token(form)}
            assert browser.post_form(login, {**fields, "password": "wrong"}).status == 200
            return browser.post_form(login, {**fields, "next": f"{script_name}/admin/"})

        def sign_out(browser: Any) -> None:
            form = browser.navigate(f"{script_name}/admin/").text
            if "csrfmiddlewaretoken" in form:
                answer = browser.post_form(
                    f"{script_name}/admin/logout/", {"csrfmiddlewaretoken": token(form)}
                )
            else:  # Django 3.2 has a link
                answer = browser.navigate(f"{script_name}/admin/logout/")
            assert answer.status == 200

        page = f"{script_name}/admin/auth/user/"
        story(browser, phone_of=phone_of, clock=clock, sign_in=sign_in, sign_out=sign_out, page=page)
        add = f"{script_name}/admin/auth/group/add/"
        changed = browser.post_form(
            add,
            {
                "name": f"{engine}{script_name} {clock.now()} {id(browser)}",
                "csrfmiddlewaretoken": token(browser.navigate(add).text),
            },
        )
        assert changed.status == 302


@pytest.mark.requirement("D9")
@pytest.mark.parametrize("engine", ["db", "signed_cookies"])
def test_the_admin_site_of_django_by_its_form_alone(
    engine, django_project, tmp_path, wrapped, new_browser, phone_of, clock
):
    from django.core.handlers.wsgi import WSGIHandler

    with django_project.using(engine, tmp_path):
        django_project.users().filter(username="root").delete()
        django_project.users().create_superuser("root", "root@example.com", PASSWORD)
        login, portal = "/admin/login/", WSGIHandler()
        identity = LoginForm(
            login,
            "username",
            cookies=["sessionid"],
            harmless_cookies=["csrftoken", "messages"],
            succeeded=["status=302", "cookie=sessionid"],
            failed=["status=200"],
            rehearsal=SignInProbe(portal, user="root", password=PASSWORD, fields={"next": "/admin/"}),
        )
        browser = new_browser(wrapped(portal, identity=identity))

        def token(text: str) -> str:
            return re.search('name="csrfmiddlewaretoken" value="([^"]+)"', text)[1]

        def sign_in(browser: Any) -> Any:
            form = browser.navigate(login).text
            fields = {"username": "root", "password": PASSWORD, "csrfmiddlewaretoken": token(form)}
            assert browser.post_form(login, {**fields, "password": "wrong"}).status == 200
            return browser.post_form(login, {**fields, "next": "/admin/"})

        def sign_out(browser: Any) -> None:
            form = browser.navigate("/admin/").text
            if "csrfmiddlewaretoken" in form:
                answer = browser.post_form("/admin/logout/", {"csrfmiddlewaretoken": token(form)})
            else:  # Django 3.2 has a link
                answer = browser.navigate("/admin/logout/")
            assert answer.status == 200

        page = "/admin/auth/user/"
        story(browser, phone_of=phone_of, clock=clock, sign_in=sign_in, sign_out=sign_out, page=page)


# Python 3.12 warns of how Flask-Login makes the date of its cookie.
@pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")
def test_flask_with_flask_login_and_its_remember_me_cookie(wrapped, new_browser, phone_of, clock):
    flask = pytest.importorskip("flask")
    flask_login = pytest.importorskip("flask_login")
    app = flask.Flask("portal")
    app.secret_key = SECRET
    manager = flask_login.LoginManager(app)

    class User(flask_login.UserMixin):
        id = "alice"

    manager.user_loader(lambda user_id: User() if user_id == "alice" else None)

    @app.post("/sign-in")
    def sign_in():
        if flask.request.form["password"] != PASSWORD:
            return "wrong", 401
        flask_login.login_user(User(), remember=True)
        return flask.redirect("/reports")

    @app.get("/reports")
    @flask_login.login_required
    def reports():
        return "reports"

    @app.post("/sign-out")
    def sign_out():
        flask_login.logout_user()
        return "bye"

    browser = new_browser(wrapped(app, identity=FlaskApp(app)))
    story(browser, phone_of=phone_of, clock=clock, sign_in=posted, sign_out=left, page="/reports")
    # The remember-me cookie alone is a password alone.
    remembered = {"remember_token": browser.cookies["remember_token"]}
    stranger = new_browser(browser.application, cookies=remembered)
    assert stranger.get_json("/reports").problem == "must_verify"


def posted(browser: Any) -> Any:
    assert browser.post_form("/sign-in", {"password": "wrong"}).status == 401
    return browser.post_form("/sign-in", {"password": PASSWORD})


def left(browser: Any) -> None:
    assert browser.post_form("/sign-out", {}).text == "bye"


# Pyramid imports it, and it warns of its own end.
@pytest.mark.filterwarnings("ignore:pkg_resources is deprecated")
@pytest.mark.filterwarnings("ignore:Deprecated call to `pkg_resources")
def test_pyramid_with_a_signed_session(wrapped, new_browser, phone_of, clock):
    pytest.importorskip("pyramid")
    from pyramid.config import Configurator
    from pyramid.httpexceptions import HTTPFound, HTTPUnauthorized
    from pyramid.response import Response
    from pyramid.session import JSONSerializer, SignedCookieSessionFactory

    def sign_in(request):
        if request.POST["password"] != PASSWORD:
            return HTTPUnauthorized()
        request.session["auth.userid"] = "alice"
        return HTTPFound("/reports")

    def reports(request):
        return Response("reports") if request.session.get("auth.userid") else HTTPUnauthorized()

    def sign_out(request):
        request.session.invalidate()
        return Response("bye")

    factory = SignedCookieSessionFactory(SECRET, timeout=None, serializer=JSONSerializer())
    config = Configurator(session_factory=factory)
    for view in (sign_in, reports, sign_out):
        name = view.__name__.replace("_", "-")
        config.add_route(name, f"/{name}")
        config.add_view(view, route_name=name)
    application = wrapped(
        config.make_wsgi_app(), identity=PyramidSession(SECRET, timeout_seconds=None, user_key="auth.userid")
    )
    browser = new_browser(application)
    story(browser, phone_of=phone_of, clock=clock, sign_in=posted, sign_out=left, page="/reports")


@pytest.mark.requirement("D3")
@pytest.mark.parametrize("kind", ["file", "memory", "cookie"])
def test_a_session_of_beaker_that_keeps_its_id_over_the_sign_in(
    kind, wrapped, new_browser, phone_of, clock, tmp_path
):
    pytest.importorskip("beaker.middleware")
    from beaker.middleware import SessionMiddleware

    def application(environ, start_response):
        session, path = environ["beaker.session"], environ["PATH_INFO"]
        session["visits"] = session.get("visits", 0) + 1
        status, text, headers = "200 OK", "reports", [("Content-Type", "text/plain")]
        if path == "/sign-in":
            body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
            if b"correct" in body:
                session["user"] = "alice"
                status, headers = "302 Found", [*headers, ("Location", "/reports")]
            else:
                status = "401 Unauthorized"
        elif path == "/sign-out":
            session.pop("user", None)
            text = "bye"
        elif "user" not in session:
            status = "401 Unauthorized"
        session.save()
        start_response(status, headers)
        return [text.encode()]

    signed = {"session.validate_key": SECRET} if kind == "cookie" else {"session.secret": SECRET}
    options = {"session.type": kind, "session.data_dir": str(tmp_path), "session.key": "sid", **signed}
    identity = BeakerSession(options, user_key="user")
    browser = new_browser(wrapped(SessionMiddleware(application, options), identity=identity))
    browser.navigate("/reports")
    story(browser, phone_of=phone_of, clock=clock, sign_in=posted, sign_out=left, page="/reports")
