"""Roundup by the documented recipe: it signs a user in wherever name and password are sent to."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from client import Answer, Client, fields_of
from story import Portal

USER, PASSWORD = "admin", "correct horse battery"
SETTINGS = """
[main]
admin_email = admin@portal.example
[tracker]
web = https://portal.example/
[mail]
domain = portal.example
host = localhost
debug = mail.txt
[rdbms]
backend = sqlite
[web]
secret_key = the secret of a portal in tests
login_attempts_min = 0
"""


def stories(place: Path) -> Iterator[tuple[str, Portal, str]]:
    from roundup.cgi.wsgi_handler import RequestDispatcher

    from wsgi_mfa import LoginForm

    tracker = _set_up(place)
    form = LoginForm(
        "/",
        "__login_name",
        cookies=["__Secure-roundup_session_Roundupissuetracker"],
        succeeded=["status=302", "location!=*error_message*"],
        failed=["location=*error_message*"],
    )
    yield "by its form alone", _portal(RequestDispatcher(str(tracker)), form), "by_form"


def _set_up(place: Path) -> Path:
    tracker = place / "tracker"
    shutil.copytree(Path(sys.prefix) / "share" / "roundup" / "templates" / "classic", tracker)
    (tracker / "config.ini").write_text(SETTINGS)
    (tracker / "db").mkdir(exist_ok=True)
    admin = Path(sys.executable).parent / "roundup-admin"
    subprocess.run([admin, "-i", tracker, "initialise", PASSWORD], check=True, capture_output=True)
    return tracker


def _sign_in(browser: Client, password: str) -> Answer:
    return browser.post("/", {**_typed(browser, password), "__came_from": "https://portal.example/"})


def _typed(browser: Client, password: str) -> dict[str, str]:
    token = fields_of(browser.get("/")).get("@csrf", "")
    return {"__login_name": USER, "__login_password": password, "@action": "Login", "@csrf": token}


def _shown(answer: Answer) -> bool:
    return "Hello, admin" in answer.text


def _attacks(new: Callable[[], Client]) -> Iterator[tuple[str, bool]]:
    """A sign-in at any item answers with that item, as its user."""
    for path in ("/user1", "/issue", "/user1?x=1", "/%75ser1"):
        browser = new()
        yield f"a sign-in at {path}", _shown(browser.post(path, _typed(browser, PASSWORD)))
    browser = new()
    fields = [(name, value) for name, value in _typed(browser, PASSWORD).items() if name != "@action"]
    answer = browser.upload("/user1", [*fields, ("@action", "login")], ("x", "x.txt", b""))
    yield "a sign-in by a form of the other kind", _shown(answer)
    browser = new()
    typed = _typed(browser, PASSWORD)
    action = typed.pop("@action")
    yield (
        "a sign-in by the older name of the action",
        _shown(browser.post("/user1", {**typed, ":action": action})),
    )


def _portal(application, identity) -> Portal:
    from wsgi_mfa import Person

    def forms(browser: Client) -> Iterator[tuple[str, bool]]:
        def send(path: str, fields: dict[str, str]) -> bool:
            token = fields_of(browser.get(path))["@csrf"]
            return "ok_message" in (browser.post(path, {**fields, "@csrf": token}).header("Location") or "")

        passwords = {"password": PASSWORD, "@confirm@password": PASSWORD}
        yield "a change of the password", send("/user1", {"@action": "edit", **passwords})
        name = f"erika{id(browser)}"
        added = {"username": name, "address": f"{name}@example.com", "roles": "User"}
        yield (
            "a form that adds a user",
            send("/user?@template=item", {"@action": "new", **added, **passwords}),
        )
        browser.get("/")
        own = _typed(browser, PASSWORD)
        yield "a confirmation of the password", _shown(browser.post("/user1", own))

    def sign_out(browser: Client) -> None:
        browser.get("/?@action=logout")

    def change(browser: Client) -> bool:
        token = fields_of(browser.get("/issue?@template=item"))["@csrf"]
        form = {"@action": "new", "@template": "item", "title": "A change", "priority": "1", "@csrf": token}
        return "ok_message" in (browser.post("/issue", form).header("Location") or "")

    return Portal(
        application=application,
        identity=identity,
        directory=lambda user: Person(name=user, email="root@example.com"),
        user=USER,
        password=PASSWORD,
        page="/user1",
        shown=_shown,
        sign_in=_sign_in,
        sign_out=sign_out,
        change=change,
        static="/@@file/style.css",
        attacks=_attacks,
        forms=forms,
        settings={"sign_in_fields": "roundup"},
    )
