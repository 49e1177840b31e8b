"""What happened, as values for the audit record (R48, R83). No event ever holds a secret."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """One fact, saved together with the change of the account that it tells of.

    ``kind`` is a dotted word such as ``sign_in.accepted``; ``source`` is the peer that asked; ``details`` are
    pairs of plain words. ``save_id`` is the revision that the save gave to the account (D25), and with
    ``index`` it names the event for ever.
    """

    at: int
    user: str
    kind: str
    source: str = ""
    details: tuple[tuple[str, str], ...] = ()
    save_id: str = ""
    index: int = 0

    @property
    def id(self) -> str:
        return f"{self.save_id}.{self.index}"
