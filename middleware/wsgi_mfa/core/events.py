"""What happened, as values for the audit record (R48, R83). No event ever holds a secret."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """One fact, saved together with the change of the account that it tells of.

    ``kind`` is a dotted word such as ``sign_in.accepted``; ``source`` is the peer that asked; ``details`` are
    pairs of plain words. ``save_id`` is the revision that the save gave to the account (D25), and with
    ``index`` it names the event for ever. ``number`` and ``mac`` are its place in its user's chain (D31).
    """

    at: int
    user: str
    kind: str
    source: str = ""
    details: tuple[tuple[str, str], ...] = ()
    save_id: str = ""
    index: int = 0
    number: int = 0
    mac: str = ""

    @property
    def id(self) -> str:
        return f"{self.save_id}.{self.index}"
