"""Flask with a session cookie that has a path: below it, and beside it, where our pages would never see it."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterator
from pathlib import Path

from client import Answer, Client, digest_sent, of_64_mib
from story import Portal

SECRET, USER, PASSWORD = "the secret of a portal in tests", "root", "correct horse battery"


def stories(_: Path) -> Iterator[tuple[str, Portal, str]]:
    from wsgi_mfa import FlaskSession, MfaMiddleware

    app = _app()
    identity = FlaskSession(SECRET, user_key="user")
    # Our pages are where the cookie goes.
    settings = {"mount_path": "/app/mfa", "sign_in_fields": "flask-login", "sign_in_paths": ["/app/login"]}
    portal = _portal(app, identity, **settings)
    _tells_the_mount_path(MfaMiddleware, app, identity)
    yield "with its cookie's path", portal, "by_form"


def _app():
    from flask import Flask, redirect, request, session

    app = Flask("portal")
    app.config.update(SECRET_KEY=SECRET, SESSION_COOKIE_PATH="/app", MAX_CONTENT_LENGTH=None)
    passwords = {USER: PASSWORD}

    @app.route("/app/login", methods=["GET", "POST"])
    def login():
        name = request.form.get("username", "")
        if request.method == "POST" and passwords.get(name) == request.form["password"]:
            session["user"] = name
            return redirect("/app/")
        return "<form method=post><input name=username><input name=password type=password></form>"

    @app.post("/app/logout")
    def logout():
        session.clear()
        return redirect("/app/login")

    @app.before_request
    def gate():
        if "user" not in session and request.path.startswith("/app/") and request.path != "/app/login":
            return redirect("/app/login")
        return None

    @app.get("/app/")
    def start():
        return f"You are {session['user']}. Users: {' '.join(passwords)}"

    @app.post("/app/password")
    def change_password():
        if passwords[session["user"]] != request.form["password"]:
            return "wrong", 400
        passwords[session["user"]] = request.form["new_password"]
        return "changed"

    @app.post("/app/users")
    def add_user():
        passwords[request.form["username"]] = request.form["password"]
        return "added"

    @app.post("/app/confirm")
    def confirm():
        return "confirmed" if passwords[request.form["username"]] == request.form["password"] else ("no", 400)

    @app.post("/app/api")
    def api():
        return {"named": request.json["name"]}

    @app.post("/app/upload")
    def upload():
        return hashlib.sha256(request.get_data()).hexdigest()

    @app.get("/public.txt")
    def public():
        return "for all"

    return app


def _portal(app, identity, **settings) -> Portal:
    from wsgi_mfa import Person

    def sign_in(browser: Client, password: str, path: str = "/app/login") -> Answer:
        browser.get(path)
        return browser.post(path, {"username": USER, "password": password})

    def shown(answer: Answer) -> bool:
        return "You are root" in answer.text

    def attacks(new: Callable[[], Client]) -> Iterator[tuple[str, bool]]:
        browser = new()
        sign_in(browser, PASSWORD)
        yield "the page beside the sign-in", shown(browser.get("/app/"))
        yield "the page behind a doubled slash", shown(browser.get("/app/?x=//mfa/"))

    return Portal(
        application=app,
        identity=identity,
        directory=lambda user: Person(name=user, email="root@example.com"),
        user=USER,
        password=PASSWORD,
        page="/app/",
        shown=shown,
        sign_in=sign_in,
        sign_out=lambda browser: browser.post("/app/logout", {}),
        static="/public.txt",
        attacks=attacks,
        forms=_forms,
        large=lambda browser: digest_sent(browser.request("POST", "/app/upload", **of_64_mib())),
        settings=settings,
    )


def _forms(browser: Client) -> Iterator[tuple[str, bool]]:
    changed = {"password": PASSWORD, "new_password": PASSWORD}
    yield "a change of the password", browser.post("/app/password", changed).text == "changed"
    added = {"username": "erika", "password": "another password"}
    yield "a form that adds a user", browser.post("/app/users", added).text == "added"
    own = {"username": USER, "password": PASSWORD}
    yield "a confirmation of the password", browser.post("/app/confirm", own).text == "confirmed"
    yield "JSON with a name", browser.json("/app/api", {"name": "erika", "password": "x"}).status == 200


def _tells_the_mount_path(middleware, app, identity) -> None:
    """Without a mount path below the cookie's the first sign-in is logged with the one that works."""
    from wsgi_mfa import KeyRing, MemoryStore
    from wsgi_mfa.stores.protocol import StoreIdentity

    told: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: told.append(record.getMessage())
    logging.getLogger("wsgi_mfa").addHandler(handler)
    try:
        wrapped = middleware(
            app,
            issuer="Client Portal",
            identity=identity,
            store=MemoryStore(identity=StoreIdentity(store_id="0" * 32, made_at=0)),
            keys=KeyRing([("k1", bytes(range(32)))]),
        )
        browser = Client(wrapped)
        browser.post("/app/login", {"username": USER, "password": PASSWORD})
        if "You are root" in browser.get("/app/").text:
            raise AssertionError("a cookie with a path opens the portal")
    finally:
        logging.getLogger("wsgi_mfa").removeHandler(handler)
    if not any("mount_path" in message and "/app" in message for message in told):
        raise AssertionError(f"the log does not name the mount path: {told}")
