"""The audit record as lines of JSON, which an operator keeps where the portal cannot write (D31).

First every event, the oldest first, then the head of each chain.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

from wsgi_mfa.audit import hash_chain
from wsgi_mfa.audit.hash_chain import Head
from wsgi_mfa.core.events import Event
from wsgi_mfa.errors import ConfigurationError
from wsgi_mfa.keys.ring import KeyRing

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Export:
    """What an export tells: each chain's events, as far as it has them, and its head."""

    chains: dict[str, tuple[Event, ...]]
    heads: tuple[Head, ...]

    def problems(self, ring: KeyRing, stored: Iterable[Head]) -> list[str]:
        """What is wrong with it, a line each; nothing, if keys of the ring have signed it.

        ``stored`` are the heads of the store, which must be an earlier state of the same one.
        """
        checkpoints = hash_chain.checkpoints_in(self.chains.get(hash_chain.STORE, ()))
        known: dict[str, list[Head]] = {}
        for head in (*self.heads, *stored):
            known.setdefault(head.user, []).append(head)
        found: list[str] = []
        for user, heads in known.items():
            events = self.chains.get(user, ())
            found += hash_chain.problems_of(
                user, events, ring, checkpoints=checkpoints.get(user, ()), known=heads
            )
        return found

    def head(self, user: str) -> Head:
        """Where a chain ends; number 0 where there are no events of it."""
        events = self.chains.get(user, ())
        checkpoints = hash_chain.checkpoints_in(self.chains.get(hash_chain.STORE, ())).get(user, ())
        number = events[-1].number if events else 0
        return Head(user=user, number=number, link=hash_chain.link_after(events, checkpoints))

    def after(self, head: Head) -> tuple[Event, ...]:
        """The events of a chain that come after ``head``."""
        return tuple(event for event in self.chains.get(head.user, ()) if event.number > head.number)


def line_of(event: Event) -> str:
    """One event of an export."""
    at = (_EPOCH + timedelta(microseconds=event.at)).isoformat(timespec="microseconds").replace("+00:00", "Z")
    members = {
        "id": event.id,
        "at": at,
        "user": event.user,
        "kind": event.kind,
        "source": event.source,
        "details": dict(event.details),
        "number": event.number,
        "mac": event.mac,
    }
    return json.dumps(members)


def line_of_head(head: Head) -> str:
    """Where one chain ends."""
    return json.dumps({"head": head.user, "number": head.number, "link": head.link})


def read_export(path: Path) -> Export:
    """The export in a file.

    :raises ConfigurationError: it cannot be read, a line is none of an export's, or there is no head.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path}: cannot be read: {error}") from None
    chains: dict[str, list[Event]] = {}
    heads: list[Head] = []
    for number, line in enumerate(lines, start=1):
        read = _read(line, where=f"{path}:{number}")
        if isinstance(read, Head):
            heads.append(read)
        else:
            chains.setdefault(read.user, []).append(read)
    if not heads:
        raise ConfigurationError(f"{path}: has no line with a head, as wsgi-mfa audit export prints")
    return Export(chains={user: tuple(events) for user, events in chains.items()}, heads=tuple(heads))


def _read(line: str, *, where: str) -> Event | Head:
    try:
        members = json.loads(line)
        if "head" not in members:
            return _event(members)
        return Head(user=str(members["head"]), number=int(members["number"]), link=str(members["link"]))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ConfigurationError(f"{where}: is no line of wsgi-mfa audit export") from None


def _event(members: dict[str, object]) -> Event:
    save_id, _, index = str(members["id"]).rpartition(".")
    details = members["details"]
    if not isinstance(details, dict):
        raise TypeError("details are an object")
    at = datetime.fromisoformat(str(members["at"]).replace("Z", "+00:00"))
    return Event(
        at=(at - _EPOCH) // _MICROSECOND,
        user=str(members["user"]),
        kind=str(members["kind"]),
        source=str(members["source"]),
        details=tuple((str(name), str(value)) for name, value in details.items()),
        save_id=save_id,
        index=int(index),
        number=int(str(members["number"])),
        mac=str(members["mac"]),
    )
