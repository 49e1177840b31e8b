"""Zope: HTTP Basic into its management screens, and a user folder that changes the environ."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from story import Portal

USER, PASSWORD = "root", "correct horse"


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
        change=change,
        declared=("Authorization",),
    )
    yield "by Basic", portal, "by_basic"
