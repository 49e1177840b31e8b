"""What a second factor adds to a request of a Flask and of a Django application, beside what their users choose today.

Each framework has one view behind a sign-in, whose user is loaded from a SQLite file. The password alone is the one
baseline; then the middleware stands around that very application, and in its place stands the framework's own
extension: Flask-Security-Too with two-factor, django-otp with ``otp_required``. Sessions are the same for all of a
framework: Flask's signed cookie, Django's table. Before anything is timed, each is seen to refuse a browser that has
shown its password alone, and to let it in after a code.

Run ``python benchmarks/frameworks.py``, or all with ``tox run -e benchmarks``.
"""

from __future__ import annotations

import io
import logging
import os
import tempfile
from collections.abc import Callable
from contextlib import closing, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyotp
from harness import Action, fastest, heading, line, processor_time, side_by_side
from portals import django_portal, flask_portal
from request import environ_of
from werkzeug.test import Client

from wsgi_mfa import DjangoSession, FlaskSession, KeyRing, MfaMiddleware, django_person
from wsgi_mfa.adapters import Adapter

ROUNDS = 30
CALLS = 20
HOST = {"base_url": "https://portal.example"}

Application = Callable[..., Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """One application with a sign-in, and what a browser does there after its password."""

    application: Application
    second_factor: Callable[[Client], object] | None
    page: str = "/reports"


def behind_middleware(application: Application, path: Path, identity: Adapter, **options: Any) -> Subject:
    """The middleware around an application, over a SQLite file of its own."""
    wrapped = MfaMiddleware(
        application,
        issuer="Client Portal",
        identity=identity,
        store=f"sqlite:///{path}",
        keys=KeyRing([("k1", os.urandom(32))]),
        **options,
    )

    def enroll(client: Client) -> None:
        asked: dict[str, Any] = {**HOST, "headers": {"Accept": "application/json"}}
        key = client.get("/mfa/enroll", **asked).json["key"].replace(" ", "")
        confirmed = client.post("/mfa/enroll", json={"code": pyotp.TOTP(key).now()}, **asked)
        assert confirmed.status_code == 200, confirmed.text
        client.post("/mfa/recovery-code", json={"saved": True}, **asked)

    return Subject(application=wrapped, second_factor=enroll)


def signed_in(name: str, subject: Subject) -> Action:
    """The request of a browser that has shown all that ``subject`` asks for, and was refused before."""
    client = Client(subject.application)
    assert client.get(subject.page, **HOST).status_code != 200, f"{name} lets strangers in"
    client.post("/sign-in", data={"email": "user1@example.com", "password": "correct horse"}, **HOST)
    if subject.second_factor is not None:
        answer = client.get(subject.page, **HOST)
        assert answer.status_code in (302, 303, 401), f"{name} lets a password in: {answer.status}"
        subject.second_factor(client)
    answer = client.get(subject.page, **HOST)
    assert (answer.status_code, answer.text) == (200, "the reports of user1@example.com"), answer.text
    cookies = {cookie.key: cookie.value for cookie in client._cookies.values()}
    return served(subject.application, {**environ_of(cookies), "PATH_INFO": subject.page})


def served(application: Application, environ: dict[str, Any]) -> Action:
    """One request as a server deals with it: a new environ, the call, the body drawn and closed."""

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> None:
        assert status == "200 OK", f"{status} {headers}"

    def request() -> None:
        body = application({**environ, "wsgi.input": io.BytesIO()}, start_response)
        with closing(body) if hasattr(body, "close") else nullcontext():
            for _ in body:
                pass

    return request


def flask_subjects(folder: Path) -> dict[str, Subject]:
    portal = flask_portal.with_flask_login(folder / "flask.db")
    secured, code = flask_portal.with_flask_security(folder / "security.db")
    return {
        "Flask, the password alone": Subject(application=portal, second_factor=None),
        "wsgi-mfa, FlaskSession": behind_middleware(
            portal, folder / "mfa-flask.db", FlaskSession(flask_portal.SECRET, user_key="_user_id")
        ),
        "Flask-Security-Too, two-factor": Subject(
            application=secured,
            second_factor=lambda client: client.post("/tf-validate", data={"code": code()}, **HOST),
        ),
    }


def django_subjects(folder: Path) -> dict[str, Subject]:
    django_portal.set_up(folder / "django.db")
    portal = django_portal.with_password()
    verified, code = django_portal.with_django_otp()
    return {
        "Django, the password alone": Subject(application=portal, second_factor=None),
        "wsgi-mfa, DjangoSession": behind_middleware(portal, folder / "mfa-django.db", DjangoSession()),
        "wsgi-mfa, DjangoSession, django_person": behind_middleware(
            portal, folder / "mfa-person.db", DjangoSession(), directory=django_person
        ),
        "django-otp, otp_required": Subject(
            application=verified,
            page=django_portal.VERIFIED_PAGE,
            second_factor=lambda client: client.post("/code", data={"code": code()}, **HOST),
        ),
    }


def table(subjects: dict[str, Subject]) -> None:
    """One framework: the first subject is the baseline, the last one the framework's own extension."""
    cases = {name: signed_in(name, subject) for name, subject in subjects.items()}
    costs = fastest(side_by_side(cases, rounds=ROUNDS, calls=CALLS, clock=processor_time))
    baseline, *_, extension = costs.values()
    heading("one request", "us", "added", "of password", "of extension")
    for name, cost in costs.items():
        added = cost - baseline
        line(name, cost, added, cost / baseline, added / (extension - baseline))


def run(folder: Path) -> None:
    table(flask_subjects(folder))
    table(django_subjects(folder))


if __name__ == "__main__":
    logging.disable(logging.WARNING)  # that each store is a new one
    with tempfile.TemporaryDirectory() as temporary:
        run(Path(temporary))
