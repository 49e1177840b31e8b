"""A stand-in for Java's servlets behind the gateway: the session also as ``;jsessionid=``, and in ``Location``."""

from __future__ import annotations

import itertools
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs
from wsgiref.simple_server import WSGIRequestHandler, make_server

from client import Answer, Client
from story import Portal

USER, PASSWORD = "root", "correct horse battery"


def stories(_: Path) -> Iterator[tuple[str, Portal, str]]:
    from wsgi_mfa import LoginForm
    from wsgi_mfa.gateway import Gateway

    class Quiet(WSGIRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

    with make_server("127.0.0.1", 0, Servlets(), handler_class=Quiet) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        form = LoginForm(
            "/login",
            "j_username",
            cookies=["JSESSIONID"],
            succeeded=["status=302", "cookie=JSESSIONID"],
            failed=["status=200"],
            sign_out=["/logout"],
        )
        upstream = Gateway(f"http://127.0.0.1:{server.server_port}")
        yield "by its form, through the gateway", _portal(upstream, form), "by_form"
        server.shutdown()


class Servlets:
    """Sessions by cookie and path parameter, as the servlet specification has both."""

    def __init__(self) -> None:
        self._users: dict[str, str] = {}
        self._numbers = itertools.count()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        path, _, parameter = environ["PATH_INFO"].partition(";jsessionid=")
        cookie = re.search(r"JSESSIONID=(\w+)", environ.get("HTTP_COOKIE", ""))
        session = cookie[1] if cookie else parameter
        headers = [("Content-Type", "text/plain")]
        if path == "/login" and environ["REQUEST_METHOD"] == "POST":
            body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"] or 0)).decode()
            typed = {name: values[0] for name, values in parse_qs(body).items()}
            if (typed.get("j_username"), typed.get("j_password")) == (USER, PASSWORD):
                session = f"node{next(self._numbers)}"
                self._users[session] = USER
                headers.append(("Set-Cookie", f"JSESSIONID={session}; Path=/; HttpOnly"))
                start_response("302 Found", [*headers, ("Location", f"/account;jsessionid={session}")])
                return []
        if path == "/logout":
            self._users.pop(session, None)
        user = self._users.get(session)
        start_response("200 OK", headers)
        return [f"You are {user}".encode() if user and path == "/account" else b"Sign in, please"]


def _portal(application, identity) -> Portal:
    from wsgi_mfa import Person

    def shown(answer: Answer) -> bool:
        return "You are root" in answer.text

    def sign_in(browser: Client, password: str) -> Answer:
        return browser.post("/login", {"j_username": USER, "j_password": password})

    def attacks(new: Callable[[], Client]) -> Iterator[tuple[str, bool]]:
        browser = new()
        location = sign_in(browser, PASSWORD).header("Location") or "/"
        session = browser.cookies.get("JSESSIONID", "")
        yield "the address in the answer", shown(new().get(location))
        for path in ("/account;jsessionid=", "/account%3Bjsessionid="):
            yield f"the session in {path}", shown(new().get(path + session))

    return Portal(
        application=application,
        identity=identity,
        directory=lambda user: Person(name=user, email="root@example.com"),
        user=USER,
        password=PASSWORD,
        page="/account",
        shown=shown,
        sign_in=sign_in,
        sign_out=lambda browser: browser.get("/logout"),
        static="/",
        attacks=attacks,
        settings={"sign_in_fields": [["j_username", "j_password"]]},
    )
