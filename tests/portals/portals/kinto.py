"""Kinto with its accounts: HTTP Basic, also for requests inside the body of another one."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from pathlib import Path

from client import Answer, Client
from story import Portal

USER, PASSWORD = "erika", "correct horse"
PAGE = "/v1/accounts/erika"


def stories(_: Path) -> Iterator[tuple[str, Portal, str]]:
    import bcrypt
    import kinto

    from wsgi_mfa import HttpBasic, Person

    settings = {
        "includes": "kinto.plugins.accounts",
        "multiauth.policies": "account",
        "multiauth.policy.account.use": "kinto.plugins.accounts.AccountsPolicy",
        "account_create_principals": "system.Everyone",
        "userid_hmac_secret": "a secret of tests",
        "kinto.version_prefix_redirect_enabled": "false",
    }
    application = kinto.main({}, **settings)
    made = Client(application).request(
        "PUT",
        PAGE,
        headers={"Content-Type": "application/json"},
        body=b'{"data": {"password": "%s"}}' % PASSWORD.encode(),
    )
    if made.status != 201:
        raise AssertionError(made)
    stored = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4))
    identity = HttpBasic(lambda name, typed: name == USER and bcrypt.checkpw(typed.encode(), stored))
    yield (
        "by Basic",
        Portal(
            application=application,
            identity=identity,
            directory=lambda user: Person(name=user, email="root@example.com"),
            user=USER,
            password=PASSWORD,
            page=PAGE,
            shown=lambda answer: answer.status == 200 and '"id":"erika"' in answer.text,
            change=_change,
            attacks=_attacks,
            forms=_forms,
            declared=("Authorization",),
            # The requests of a batch bring headers of their own, which nothing can see.
            settings={"undeclared_credentials": ["path /v1/batch"]},
        ),
        "by_basic",
    )


def _change(program: Client) -> bool:
    return program.json("/v1/buckets", {"data": {"id": f"b{id(program)}"}}).status == 201


def _attacks(new: Callable[[], Client]) -> Iterator[tuple[str, bool]]:
    basic = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    inner = {"method": "GET", "path": PAGE, "headers": {"Authorization": f"Basic {basic}"}}
    for path in ("/v1/batch", "/v1/%62atch"):
        answer = new().json(path, {"requests": [inner]})
        yield f"a request inside a request to {path}", _opens(answer)
    by_default = {"defaults": {"headers": inner["headers"]}, "requests": [{"path": PAGE}]}
    yield "its default headers", _opens(new().json("/v1/batch", by_default))


def _opens(answer: Answer) -> bool:
    return '"body":{"data":{"id":"erika"' in answer.text.replace(" ", "") or '"status":200' in answer.text


def _forms(program: Client) -> Iterator[tuple[str, bool]]:
    program.json("/v1/buckets", {"data": {"id": "people"}})
    program.json("/v1/buckets/people/collections", {"data": {"id": "names"}})
    record = {"data": {"name": "root", "password": "not one", "username": "root"}}
    answer = program.json("/v1/buckets/people/collections/names/records", record)
    yield "JSON with a name", answer.status == 201
