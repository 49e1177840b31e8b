"""Zope: HTTP Basic into its management screens, and a user folder that changes the environ."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from client import Client
from story import Portal

USER, PASSWORD = "root", "correct horse"
DATA = bytes(range(256)) * 800


def stories(place: Path) -> Iterator[tuple[str, Portal, str]]:
    make = Path(sys.executable).parent / "mkwsgiinstance"
    instance = place / "zope"
    subprocess.run([make, "-d", instance, "-u", f"{USER}:{PASSWORD}"], check=True, capture_output=True)
    from Zope2.Startup.run import make_wsgi_app

    from wsgi_mfa import HttpBasic, Person

    application = make_wsgi_app({}, str(instance / "etc" / "zope.conf"))

    def change(program) -> bool:
        program.post("/manage_addProduct/OFSP/manage_addFolder", {"id": "reports", "title": "Reports"})
        return program.request("GET", "/reports/manage_main").status == 200

    portal = Portal(
        application=application,
        identity=HttpBasic(lambda name, password: (name, password) == (USER, PASSWORD)),
        directory=lambda user: Person(name=user, email="root@example.com"),
        user=USER,
        password=PASSWORD,
        page="/manage_main",
        shown=lambda answer: (
            (answer.status == 200 and "Control_Panel" in answer.text) or "acl_users" in answer.text
        ),
        static="/++resource++logo/default.css",
        change=change,
        upload=_upload,
        download=("/reports/up.bin", DATA),
        declared=("Authorization",),
    )
    yield "by Basic", portal, "by_basic"


def _upload(program: Client) -> bool:
    """Into a folder that visitors may not look into."""
    shut = {"permission_to_manage": "View", "roles:list": "Manager", "_method": "", "submit": "Save"}
    program.post("/reports/manage_permission", shut)
    fields = [("id", "up.bin"), ("title", "")]
    program.upload("/reports/manage_addProduct/OFSP/manage_addFile", fields, ("file", "up.bin", DATA))
    return program.request("GET", "/reports/up.bin/manage_main").status == 200
