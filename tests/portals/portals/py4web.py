"""py4web, which takes its session as a field of a form, or a member of JSON, where there is no cookie."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from client import Answer, Client
from story import Portal

SECRET, USER, PASSWORD = "A-very-L0ng-secret-of-this-portal-!7", "root", "correct horse battery"
APP = """
from py4web import Session, action, redirect, request
session = Session(secret={secret!r})

@action("login", method=["GET", "POST"])
@action.uses(session)
def login():
    if request.method == "POST" and (request.forms.get("username"), request.forms.get("password")) == (
        {user!r}, {password!r}
    ):
        session["user"] = {{"id": 1, "email": {user!r}}}
        redirect("/demo/start")
    return "<form method=post><input name=username><input name=password></form>"

@action("logout", method=["GET", "POST"])
@action.uses(session)
def logout():
    session.clear()
    redirect("/demo/login")

@action("start", method=["GET", "POST"])
@action.uses(session)
def start():
    user = session.get("user")
    if not user:
        redirect("/demo/login")
    return "You are " + user["email"]
"""


def stories(place: Path) -> Iterator[tuple[str, Portal, str]]:
    from wsgi_mfa import LoginForm

    folder = place / "apps" / "demo"
    folder.mkdir(parents=True)
    (place / "apps" / "__init__.py").touch()
    (folder / "__init__.py").write_text(APP.format(secret=SECRET, user=USER, password=PASSWORD))
    from py4web.core import wsgi

    application = wsgi(
        apps_folder=str(place / "apps"),
        password_file=str(place / "password.txt"),
        dashboard_mode="none",
    )
    form = LoginForm(
        "/demo/login",
        "username",
        cookies=["demo_session"],
        succeeded=["status=303"],
        failed=["status=200"],
        sign_out=["/demo/logout"],
        renews_in_responses=True,
    )
    yield "by its form alone", _portal(application, form), "by_form"


def _portal(application, identity) -> Portal:
    from wsgi_mfa import Person

    page = "/demo/start"

    def shown(answer: Answer) -> bool:
        return "You are root" in answer.text

    def sign_in(browser: Client, password: str) -> Answer:
        browser.get("/demo/login")
        return browser.post("/demo/login", {"username": USER, "password": password})

    def attacks(new: Callable[[], Client]) -> Iterator[tuple[str, bool]]:
        browser = new()
        sign_in(browser, PASSWORD)
        token = browser.cookies.get("demo_session", "").strip('"')
        browser.cookies.clear()
        yield "the session in a form", shown(browser.post(page, {"_session_token": token}))
        yield "the session in JSON", shown(new().json(page, {"_session_token": token}))

    return Portal(
        application=application,
        identity=identity,
        directory=lambda user: Person(name=user, email="root@example.com"),
        user=USER,
        password=PASSWORD,
        page=page,
        shown=shown,
        sign_in=sign_in,
        sign_out=lambda browser: browser.get("/demo/logout"),
        attacks=attacks,
        settings={"sign_in_fields": [["username", "password"]], "also_by": ["field _session_token"]},
    )
