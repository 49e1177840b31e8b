"""pypiserver: packages for pip, by HTTP Basic; files by the server's file_wrapper."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from client import Client
from story import Portal

PASSWORD = "correct horse"
DATA = bytes(range(256)) * 40


def stories(place: Path) -> Iterator[tuple[str, Portal, str]]:
    import pypiserver

    from wsgi_mfa import HtpasswdFile, HttpBasic

    packages = place / "packages"
    packages.mkdir()
    (packages / "secret-1.0.tar.gz").write_bytes(b"a package of ours")
    people = place / "htpasswd"
    people.write_text("root@example.com:$apr1$saltsalt$EGVZDNN6gOqijy.tv9axG/\n")
    application = pypiserver.app(
        roots=[packages], authenticate=["update", "download", "list"], password_file=str(people)
    )
    portal = Portal(
        application=application,
        identity=HttpBasic(HtpasswdFile(people)),
        user="root@example.com",
        password=PASSWORD,
        page="/simple/secret/",
        shown=lambda answer: answer.status == 200 and "secret-1.0" in answer.text,
        upload=_upload,
        change=_remove,
        download=("/packages/up-2.0.tar.gz", DATA),
        declared=("Authorization",),
    )
    yield "by Basic", portal, "by_basic"


def _upload(program: Client) -> bool:
    file = ("content", "up-2.0.tar.gz", DATA)
    return program.upload("/", [(":action", "file_upload")], file).status == 200


def _remove(program: Client) -> bool:
    program.upload("/", [(":action", "file_upload")], ("content", "old-0.1.tar.gz", DATA))
    program.post("/", {":action": "remove_pkg", "name": "old", "version": "0.1"})
    return program.request("GET", "/packages/old-0.1.tar.gz").status == 404
