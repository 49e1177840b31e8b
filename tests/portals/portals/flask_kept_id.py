"""Flask-Session, whose session on the server keeps its id over a sign-in."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from client import Answer, Client, SlowBody, fields_of
from story import Portal

USER, PASSWORD = "root", "correct horse battery"


def stories(place: Path) -> Iterator[tuple[str, Portal, str]]:
    from wsgi_mfa import FlaskApp, LoginForm

    app = _app(place)
    fields = {"sign_in_fields": "flask-login"}
    turns = {**fields, "keeps_session_id": "one_process", "sign_in_paths": ["/login"]}
    yield "by the application", _portal(app, FlaskApp(app, user_key="user"), **turns), "by_form"
    form = LoginForm(
        "/login",
        "username",
        cookies=["session"],
        succeeded=["status=302"],
        failed=["status=200"],
        sign_out=["/logout"],
    )
    yield "by its form alone", _portal(app, form, **fields), "by_form"


def _app(place: Path):
    from cachelib import FileSystemCache
    from flask import Flask, redirect, request, session
    from flask_session import Session

    app = Flask("portal")
    app.config.update(
        SESSION_TYPE="cachelib", SESSION_CACHELIB=FileSystemCache(str(place / "sessions")), SECRET_KEY="x"
    )
    Session(app)

    @app.route("/login", methods=["GET", "POST"])
    def login():
        session.setdefault("visits", 0)
        if request.method == "POST" and (request.form["username"], request.form["password"]) == (
            USER,
            PASSWORD,
        ):
            session["user"] = USER
            return redirect("/")
        return "<form method=post><input name=username><input name=password type=password></form>"

    @app.post("/logout")
    def logout():
        session.clear()
        return redirect("/login")

    @app.get("/")
    def start():
        return f"You are {session['user']}" if "user" in session else redirect("/login")

    @app.post("/upload")
    def upload():
        # Reads the body first and the session afterwards, as a careless view does.
        length = len(request.get_data())
        fresh = app.session_interface.open_session(app, request)
        return f"You are {fresh.get('user')} with {length} bytes"

    return app


def _portal(app, identity, **settings) -> Portal:
    from wsgi_mfa import Person

    def sign_in(browser: Client, password: str) -> Answer:
        fields_of(browser.get("/login"))
        return browser.post("/login", {"username": USER, "password": password})

    def shown(answer: Answer) -> bool:
        return "You are root" in answer.text

    def attacks(new: Callable[[], Client]) -> Iterator[tuple[str, bool]]:
        """A slow upload that begins as a visitor's, and ends behind a sign-in with the same session."""
        browser = new()
        browser.get("/login")
        kept = dict(browser.cookies)
        slow = SlowBody(b"x" * 4096)
        other = new()
        other.cookies = dict(kept)
        answers: list[Answer] = []
        thread = threading.Thread(
            target=lambda: answers.append(other.request("POST", "/upload", stream=slow)), daemon=True
        )
        thread.start()
        slow.begun.wait(5)
        sign_in(browser, PASSWORD)
        slow.go_on.set()
        thread.join(20)
        yield "a slow upload", bool(answers) and shown(answers[0])

    return Portal(
        application=app,
        identity=identity,
        directory=lambda user: Person(name=user, email="root@example.com"),
        user=USER,
        password=PASSWORD,
        page="/",
        shown=shown,
        sign_in=sign_in,
        sign_out=lambda browser: browser.post("/logout", {}),
        attacks=attacks,
        settings=settings,
    )
