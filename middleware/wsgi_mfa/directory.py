"""What a portal's own directory knows of a user."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Person"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Person:
    """An entry of ``directory=``.

    ``name`` is the one id of this person at the portal: whatever spelling or alias was typed, their account is
    found by it, so two people must never share it (D1). ``email`` is the address that the support desk asks
    for, None where there is none. ``groups`` are those that rules of the policy may name.

    ``key`` is for portals that let users change their names: the account is found by it, and ``name`` is only shown.
    """

    name: str
    email: str | None = None
    groups: tuple[str, ...] = ()
    key: str | None = None
