"""WsgiDAV: files for programs, by HTTP Basic; a generator that starts its response late."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from client import Client
from story import Portal

PASSWORD = "correct horse"
DATA = bytes(range(256)) * 800


def stories(place: Path) -> Iterator[tuple[str, Portal, str]]:
    from wsgidav.wsgidav_app import WsgiDAVApp

    from wsgi_mfa import HttpBasic

    files = place / "files"
    files.mkdir()
    (files / "notes.txt").write_bytes(b"secret notes")
    application = WsgiDAVApp(
        {
            "provider_mapping": {"/": str(files)},
            "simple_dc": {"user_mapping": {"*": {"root@example.com": {"password": PASSWORD}}}},
            "http_authenticator": {"accept_basic": True, "accept_digest": False, "default_to_digest": False},
            "verbose": 0,
            "logging": {"enable": False},
            "lock_storage": True,
            "property_manager": True,
        }
    )
    portal = Portal(
        application=application,
        identity=HttpBasic(lambda name, password: (name, password) == ("root@example.com", PASSWORD)),
        user="root@example.com",
        password=PASSWORD,
        page="/notes.txt",
        shown=lambda answer: answer.body == b"secret notes",
        change=lambda program: program.request("MKCOL", "/reports/").status == 201,
        upload=_upload,
        download=("/up.bin", DATA),
        declared=("Authorization",),
    )
    yield "by Basic", portal, "by_basic"


def _upload(program: Client) -> bool:
    kind = {"Content-Type": "application/octet-stream"}
    return program.request("PUT", "/up.bin", body=DATA, headers=kind).status == 201
