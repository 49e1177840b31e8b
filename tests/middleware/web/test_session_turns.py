"""Portals that keep the session id: a request that began as a visitor's does not finish as a user's (D42)."""

from __future__ import annotations

import io
import threading
from typing import Any

import pytest

from wsgi_mfa import ConfigurationError
from wsgi_mfa.identity.adapter import AdapterTraits, Credentials, FirstFactor
from wsgi_mfa.web import session_turns

pytestmark = pytest.mark.requirement("D42")

SID = "0123456789abcdef"
FORM = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "text/html"}


class KeptSession:
    """Sessions on the server, whose id stays the same over a sign-in."""

    credentials = Credentials(cookies=("sid",))
    traits = AdapterTraits(user_changes_in_response=True, keeps_session_id=True)

    def __init__(self, users: dict[str, str]) -> None:
        self.users = users

    def identify(self, environ: Any) -> Any:
        sid = environ.get("HTTP_COOKIE", "").partition("sid=")[2].partition(";")[0]
        user = self.users.get(sid)
        return None if user is None else FirstFactor(user=user, login=sid)

    def selftest(self) -> list[str]:
        return []

    def store_selftest(self) -> list[str]:
        return []


class Portal:
    """Reads the body first and opens the session then; ``in_sign_in`` is called inside of a sign-in."""

    def __init__(self) -> None:
        self.users: dict[str, str] = {}
        self.done: list[tuple[str, bytes]] = []
        self.in_sign_in = lambda: None

    def __call__(self, environ, start_response):
        length = int(environ.get("CONTENT_LENGTH") or 0)
        body = environ["wsgi.input"].read(length) if length else b""
        if environ["PATH_INFO"] == "/sign-in":
            self.users[SID] = "ann"
            self.in_sign_in()
        elif environ["REQUEST_METHOD"] == "POST" and SID in self.users:
            self.done.append((self.users[SID], body))
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [self.users.get(SID, "a visitor").encode()]


@pytest.fixture
def portal() -> Portal:
    return Portal()


@pytest.fixture
def application(portal, wrapped):
    return wrapped(
        portal,
        identity=KeptSession(portal.users),
        keeps_session_id="one_process",
        sign_in_paths=["/sign-in"],
        validated=False,
    )


def client_of(new_browser, application):
    return new_browser(application, cookies={"sid": SID}, validated=False)


class SlowBody(io.BytesIO):
    """The rest of the body comes when ``meanwhile`` was done."""

    def __init__(self, body: bytes, meanwhile: Any) -> None:
        super().__init__(body)
        self.meanwhile = meanwhile

    def read(self, size: int | None = -1, /) -> bytes:
        if self.tell() == 0:
            piece = super().read(3)
            self.meanwhile()
            return piece
        return super().read(size)


def test_a_slow_body_is_read_before_its_sender_is_identified(portal, application, new_browser):
    slow, other = (client_of(new_browser, application) for _ in range(2))
    body = b"amount=1000"
    source = SlowBody(body, lambda: other.request("POST", "/sign-in", headers=FORM, body=b"a=1"))
    answer = slow.request(
        "POST", "/transfer", headers=FORM, environ={"wsgi.input": source, "CONTENT_LENGTH": str(len(body))}
    )
    assert portal.users == {SID: "ann"}
    assert answer.status in (303, 401)
    assert portal.done == []


def test_without_turns_the_same_request_is_carried_out(portal, wrapped, new_browser):
    application = wrapped(
        portal, identity=KeptSession(portal.users), keeps_session_id="accept", validated=False
    )
    slow, other = (client_of(new_browser, application) for _ in range(2))
    source = SlowBody(b"a=1", lambda: other.request("POST", "/sign-in", headers=FORM, body=b"a=1"))
    slow.request("POST", "/transfer", headers=FORM, environ={"wsgi.input": source, "CONTENT_LENGTH": "4"})
    assert portal.done != []


def test_a_request_waits_for_the_sign_in_with_its_session(portal, application, new_browser):
    inside, go_on = threading.Event(), threading.Event()

    def wait() -> None:
        inside.set()
        assert go_on.wait(10)

    portal.in_sign_in = wait
    answers: list[int] = []
    signing_in = threading.Thread(
        target=lambda: client_of(new_browser, application).request(
            "POST", "/sign-in", headers=FORM, body=b"a=1"
        )
    )
    signing_in.start()
    assert inside.wait(10)
    meanwhile = threading.Thread(
        target=lambda: answers.append(
            client_of(new_browser, application).request("POST", "/transfer", headers=FORM, body=b"a=1").status
        )
    )
    meanwhile.start()
    meanwhile.join(0.3)
    assert meanwhile.is_alive()
    other = new_browser(application, cookies={"sid": "another"}, validated=False)
    assert other.navigate("/").status == 200
    # One request of a session waits, and no more.
    assert client_of(new_browser, application).navigate("/").status == 503
    go_on.set()
    signing_in.join(10)
    meanwhile.join(10)
    assert answers in ([303], [401])
    assert portal.done == []


def test_nobody_waits_for_ever(portal, application, new_browser, monkeypatch):
    monkeypatch.setattr(session_turns, "WAIT_SECONDS_MAX", 0.05)
    statuses: list[int] = []
    portal.in_sign_in = lambda: statuses.append(client_of(new_browser, application).navigate("/").status)
    client_of(new_browser, application).request("POST", "/sign-in", headers=FORM, body=b"a=1")
    assert statuses == [503]
    portal.in_sign_in = lambda: None
    assert client_of(new_browser, application).navigate("/").status == 303


def test_a_response_that_has_started_is_not_waited_for(wrapped, new_browser):
    statuses: list[int] = []

    def stream(environ, start_response):
        write = start_response("200 OK", [("Content-Type", "text/event-stream")])
        if environ["PATH_INFO"] == "/events":
            write(b"first")
            statuses.append(
                client_of(new_browser, application).request("POST", "/sign-in", headers=FORM, body=b"").status
            )
        return [b"end"]

    application = wrapped(
        stream, identity=KeptSession({}), keeps_session_id="one_process", sign_in_paths=["/sign-in"],
        validated=False,
    )  # fmt: skip
    assert client_of(new_browser, application).navigate("/events").status == 200
    assert statuses == [200]


def test_several_processes_are_refused(application, new_browser):
    answer = client_of(new_browser, application).navigate("/", environ={"wsgi.multiprocess": True})
    assert answer.status == 503


def test_the_operator_has_to_say_something(wrapped, portal):
    identity = KeptSession(portal.users)
    with pytest.raises(ConfigurationError, match="keeps_session_id is missing: this portal may keep"):
        wrapped(portal, identity=identity, keeps_session_id=None)
    with pytest.raises(ConfigurationError, match="sign_in_paths is missing"):
        wrapped(portal, identity=identity, keeps_session_id="one_process")
    with pytest.raises(ConfigurationError, match="keeps_session_id is 'yes'"):
        wrapped(portal, identity=identity, keeps_session_id="yes")
    assert wrapped(portal, identity=identity, keeps_session_id=None, renews_sessions=True)
