"""Radicale: calendars for programs, by HTTP Basic alone."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

from client import Client
from story import Portal

USER, PASSWORD = "root@example.com", "correct horse"


def stories(place: Path) -> Iterator[tuple[str, Portal, str]]:
    import radicale
    from radicale import config

    from wsgi_mfa import HtpasswdFile, HttpBasic

    people = place / "htpasswd"
    people.write_text("root@example.com:$apr1$saltsalt$EGVZDNN6gOqijy.tv9axG/\n")
    configuration = config.load()
    configuration.update(
        {
            "auth": {"type": "htpasswd", "htpasswd_filename": str(people), "htpasswd_encryption": "md5"},
            "storage": {"filesystem_folder": str(place / "calendars")},
            "logging": {"level": "error"},
        },
        "test",
    )
    application = radicale.Application(configuration)
    bare = Client(application)
    sent = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    bare.headers["Authorization"] = f"Basic {sent}"
    for number, summary in enumerate(("work", "secret meeting")):
        path = f"/{USER}/work/" if number == 0 else f"/{USER}/work/{number}.ics"
        if not _put(bare, path, summary):
            raise AssertionError(f"not made: {path}")

    def change(program: Client) -> bool:
        _put(program, f"/{USER}/work/2.ics", "another one")
        return "another one" in program.request("GET", f"/{USER}/work/2.ics").text

    portal = Portal(
        application=application,
        identity=HttpBasic(HtpasswdFile(people)),
        user=USER,
        password=PASSWORD,
        page=f"/{USER}/work/1.ics",
        shown=lambda answer: "secret meeting" in answer.text,
        static="/.web/css/main.css",
        change=change,
        upload=lambda program: _put(program, f"/{USER}/work/3.ics", "an upload"),
        download=(f"/{USER}/work/3.ics", _event(f"/{USER}/work/3.ics", "an upload")),
        declared=("Authorization",),
    )
    yield "by Basic", portal, "by_basic"


def _put(program: Client, path: str, summary: str) -> bool:
    """Make a calendar, or put an event into one; whether that was taken."""
    if path.endswith("/"):
        return program.request("MKCALENDAR", path).status == 201
    kind = {"Content-Type": "text/calendar"}
    return program.request("PUT", path, body=_event(path, summary), headers=kind).status == 201


def _event(path: str, summary: str) -> bytes:
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//portal//tests//",
        "BEGIN:VEVENT",
        f"UID:{path}",
        "DTSTART:20260101T000000Z",
        "DTSTAMP:20260101T000000Z",
        f"SUMMARY:{summary}",
        "END:VEVENT",
        "END:VCALENDAR",
        "",
    ]
    return "\r\n".join(lines).encode()
