"""A portal behind the gateway that takes its session by a path parameter and an argument too, as Java's servers do."""

from __future__ import annotations

import io
import re
import threading
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest

from wsgi_mfa import KeyRing, LoginForm, MemoryStore, MfaMiddleware
from wsgi_mfa.gateway import Gateway
from wsgi_mfa.stores import StoreIdentity

pytestmark = pytest.mark.requirement("D39")


class Servlets:
    """Sessions by the cookie ``JSESSIONID``, by ``;jsessionid=`` and by ``?sid=``; keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, str]] = []

    def __call__(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        path, query = environ["PATH_INFO"], environ["QUERY_STRING"]
        self.asked.append((path, query, environ.get("HTTP_COOKIE", "")))
        if path.startswith("/login") and environ["REQUEST_METHOD"] == "POST":
            cookie = "JSESSIONID=node0alice; Path=/; HttpOnly"
            location = "http://127.0.0.1/account;jsessionid=node0alice?tab=1"
            start_response("302 Found", [("Set-Cookie", cookie), ("Location", location)])
            return []
        session = "node0alice" in (path + query + environ.get("HTTP_COOKIE", ""))
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"the account of alice" if session else b"sign in, please"]


@pytest.fixture
def portal():
    return Servlets()


@pytest.fixture
def ask(portal):
    """``ask(method, path, cookie="", body=b"")``: status, headers and body of the gateway's answer."""

    class Quiet(WSGIRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

    form = LoginForm(
        ["/login"],
        "user",
        cookies=["JSESSIONID"],
        succeeded=["status=302", "cookie=JSESSIONID"],
        failed=["status=200"],
    )
    with make_server("127.0.0.1", 0, portal, handler_class=Quiet) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        application = MfaMiddleware(
            Gateway(f"http://127.0.0.1:{server.server_port}"),
            issuer="Portal",
            identity=form,
            store=MemoryStore(identity=StoreIdentity(store_id="0" * 32, made_at=0)),
            keys=KeyRing([("k1", bytes(range(32)))]),
            also_by=["argument sid"],
        )

        def send(method: str, target: str, *, cookie: str = "", body: bytes = b"") -> Any:
            path, _, query = target.partition("?")
            environ: dict[str, Any] = {
                "REQUEST_METHOD": method,
                "SCRIPT_NAME": "",
                "PATH_INFO": path,
                "QUERY_STRING": query,
                "REQUEST_URI": target,
                "SERVER_NAME": "127.0.0.1",
                "SERVER_PORT": "443",
                "SERVER_PROTOCOL": "HTTP/1.1",
                "REMOTE_ADDR": "192.0.2.7",
                "HTTP_HOST": "127.0.0.1",
                "wsgi.url_scheme": "https",
                "wsgi.version": (1, 0),
                "wsgi.input": io.BytesIO(body),
                "wsgi.errors": io.StringIO(),
                "wsgi.multithread": True,
                "wsgi.multiprocess": False,
                "wsgi.run_once": False,
                "CONTENT_LENGTH": str(len(body)),
                "CONTENT_TYPE": "application/x-www-form-urlencoded",
            }
            if cookie:
                environ["HTTP_COOKIE"] = cookie
            answers: list[Any] = []
            chunks = application(environ, lambda *answer: answers.append(answer))
            text = b"".join(chunks)
            close = getattr(chunks, "close", None)
            if close is not None:
                close()
            return answers[-1][0], answers[-1][1], text.decode()

        try:
            yield send
        finally:
            server.shutdown()
            thread.join()


def test_the_password_alone_opens_nothing_by_any_of_its_ways(ask, portal):
    status, headers, _ = ask("POST", "/login", body=b"user=alice&password=right")
    assert status.startswith("401")
    assert "node0alice" not in str(headers)
    cookies = dict(
        value.partition(";")[0].split("=", 1) for name, value in headers if name.lower() == "set-cookie"
    )
    assert cookies["JSESSIONID"].startswith("mfas1.")
    for path in (
        "/account;jsessionid=node0alice",
        "/account;JSESSIONID=node0alice",
        "/account;x=1;%6Asessionid=node0alice",
        "/account%3Bjsessionid=node0alice",
        "/;jsessionid=node0alice/account",
        "/account?sid=node0alice",
        "/account?JSESSIONID=node0alice",
        "/account?jsessionid=node0alice",
    ):
        for cookie in ("", "JSESSIONID=node0alice", f"x={cookies['JSESSIONID']}"):
            assert ask("GET", path, cookie=cookie)[2] == "sign in, please", path
    assert all("node0alice" not in "".join(asked) for asked in portal.asked)


def test_a_sign_in_path_with_a_parameter_is_the_sign_in_path(ask):
    status, headers, _ = ask("POST", "/login;jsessionid=x", body=b"user=alice&password=right")
    assert status.startswith("401")
    assert any(re.match(r"__Host-wsgi_mfa_login_\w+=u\.", value) for _, value in headers)
