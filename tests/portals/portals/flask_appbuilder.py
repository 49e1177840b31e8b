"""Flask-AppBuilder: Flask-Login in a signed cookie, tokens for its API."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from client import Answer, Client, fields_of
from story import Portal

SECRET, PASSWORD = "the secret of a portal in tests", "correct horse battery"


def stories(place: Path) -> Iterator[tuple[str, Portal, str]]:
    from flask import Flask
    from flask_appbuilder import AppBuilder
    from flask_appbuilder.utils.legacy import get_sqla_class

    from wsgi_mfa import FlaskApp, FlaskSession, LoginForm

    app = Flask("portal")
    app.config.update(
        SECRET_KEY=SECRET,
        SQLALCHEMY_DATABASE_URI=f"sqlite:///{place / 'portal.db'}",
        WTF_CSRF_ENABLED=True,
        AUTH_RATE_LIMITED=False,
        RATELIMIT_ENABLED=False,
    )
    db = get_sqla_class()()
    db.init_app(app)
    with app.app_context():
        builder = AppBuilder(app, db.session)
        db.create_all()
        security = builder.sm
        if not security.find_user("root"):
            role = security.find_role("Admin")
            security.add_user("root", "Root", "User", "root@example.com", role, PASSWORD)
    form = LoginForm(
        "/login/",
        "username",
        cookies=["session"],
        succeeded=["status=302", "location!=/login*"],
        failed=["status=302", "location=/login*"],
        sign_out=["/logout/"],
        renews_in_responses=True,
    )
    for variant, identity in (
        ("by its cookie", FlaskSession(SECRET, user_key="_user_id")),
        ("by the application", FlaskApp(app)),
        ("by its form alone", form),
    ):
        # Flask's signed cookie is another one after each change of the session.
        settings = {"sign_in_fields": "flask-appbuilder"} if identity is form else {}
        yield variant, _portal(app, identity, **settings), "by_form"


def _portal(app, identity, **settings) -> Portal:
    from flask_login.utils import encode_cookie

    def sign_in(browser: Client, password: str) -> Answer:
        token = fields_of(browser.get("/login/"))["csrf_token"]
        return browser.post("/login/", {"username": "root", "password": password, "csrf_token": token})

    def change(browser: Client) -> bool:
        token = fields_of(browser.get("/roles/add"))["csrf_token"]
        return (
            browser.post("/roles/add", {"name": f"readers {id(browser)}", "csrf_token": token}).status == 302
        )

    def undeclared_credentials(bare: Client) -> list[tuple[str, dict[str, str], str]]:
        """Its API gives a token for the password; Flask-Login takes a cookie that remembers."""
        with app.app_context():
            remembered = encode_cookie("1", key=SECRET)
        words = {"username": "root", "password": PASSWORD, "provider": "db"}
        token = bare.json("/api/v1/security/login", words).json["access_token"]
        return [
            ("/api/v1/menu/", {"Authorization": f"Bearer {token}"}, "List Users"),
            ("/users/list/", {"Cookie": f"remember_token={remembered}"}, "root@example.com"),
        ]

    return Portal(
        application=app,
        identity=identity,
        directory=_person,
        user="root",
        password=PASSWORD,
        page="/users/list/",
        shown=lambda answer: answer.status == 200 and "root@example.com" in answer.text,
        sign_in=sign_in,
        sign_out=lambda browser: browser.get("/logout/"),
        change=change,
        undeclared_credentials=undeclared_credentials,
        static="/static/appbuilder/css/ab.css",
        settings=settings,
    )


def _person(user: str):
    from wsgi_mfa import Person

    return Person(name=user, email="root@example.com")
