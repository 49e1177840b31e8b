"""Kotti on Pyramid: auth_tkt for three domains at once, Beaker beside it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from client import Answer, Client, fields_of
from story import Portal

PASSWORD, SECRET = "correct horse", "the secret of tickets in tests"
DATA = bytes(range(256)) * 800


def stories(place: Path) -> Iterator[tuple[str, Portal, str]]:
    import kotti

    from wsgi_mfa import AuthTkt, LoginForm

    application = kotti.main(
        {},
        **{
            "sqlalchemy.url": f"sqlite:///{place / 'kotti.db'}",
            "kotti.secret": PASSWORD,
            "kotti.secret2": SECRET,
            "kotti.site_title": "Portal",
        },
    )
    yield "by its ticket", _portal(application, AuthTkt(SECRET)), "by_form"
    form = LoginForm(
        ["/login", "/@@login"],
        "login",
        cookies=["auth_tkt"],
        succeeded=["status=302", "cookie=auth_tkt"],
        failed=["status=200"],
        sign_out=["/@@logout"],
    )
    yield "by its form alone", _portal(application, form), "by_form"


def _portal(application, identity) -> Portal:
    def sign_in(browser: Client, password: str) -> Answer:
        page = browser.get("/@@login")
        typed = {"login": "admin", "password": password, "submit": "Log in", "came_from": "/"}
        return browser.post("/@@login", fields_of(page) | typed)

    def upload(browser: Client) -> bool:
        token = fields_of(browser.get("/add_file"))["csrf_token"]
        fields = [
            ("_charset_", "utf-8"),
            ("__formid__", "deform"),
            ("title", "notes"),
            ("description", ""),
            ("tags", ""),
            ("__start__", "file:mapping"),
            ("__end__", "file:mapping"),
            ("csrf_token", token),
            ("save", "save"),
        ]
        return browser.upload("/add_file", fields, ("upload", "up.bin", DATA)).status == 302

    def change(browser: Client) -> bool:
        token = fields_of(browser.get("/add_document"))["csrf_token"]
        words = {"title": "A change", "description": "", "tags": "", "body": "", "csrf_token": token}
        form = {"__formid__": "deform", **words, "save": "save"}
        return browser.post("/add_document", form).status == 302

    return Portal(
        application=application,
        identity=identity,
        directory=_person,
        user="admin",
        password=PASSWORD,
        page="/@@setup-users",
        shown=lambda answer: answer.status == 200 and "Search users" in answer.text,
        sign_in=sign_in,
        static="/static-kotti/base.css",
        change=change,
        upload=upload,
        sign_out=lambda browser: browser.get("/@@logout"),
    )


def _person(user: str):
    from wsgi_mfa import Person

    return Person(name=user, email="admin@example.com")
