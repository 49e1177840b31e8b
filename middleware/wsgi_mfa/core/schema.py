"""The numbered forms of stored accounts and events, and the steps between them.

A release reads its own form and the one before, and writes the one before when it is asked to, so that workers of
two neighboring releases serve side by side. Everything that changes the stored form between two releases belongs to
one step:

- A new field with an empty default: ``downgrade`` takes it out, which the release before would refuse as unknown.
  ``upgrade`` has nothing to do, since a default is not stored.
- A field that is renamed, moved or gone: ``upgrade`` makes the new form of the old one, and ``downgrade`` the old
  form of the new one.

What the older form cannot hold is lost in it. Where that would open something, such as a lock that it does not know,
``downgrade`` has to close it by what the older form does know.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

#: An account or event as JSON has it: what stands beside ``schema`` under ``value``.
Document: TypeAlias = "dict[str, Any]"


@dataclass(frozen=True, kw_only=True, slots=True)
class SchemaStep:
    """The step from the form before ``number`` to the form ``number``, and back.

    Both functions may change the document that they are given, which is theirs, and return the other form of it.
    A document that is not of their form may raise any of the errors of a look into JSON.
    """

    number: int
    upgrade: Callable[[Document], Document]
    downgrade: Callable[[Document], Document]


#: Whose wrong codes the form 1 counts.
_COUNTERS = ("code_failures", "recovery_failures")
#: What the form 1 does not know.
_ADDED_IN_2 = (
    "app_passwords",
    "known_browsers",
    "known_failures",
    "granted_tries",
    "unlock_code",
    "resyncs_begun",
    "spellings",
    "refused_spellings",
)


def _from_1_to_2(document: Document) -> Document:
    """Take out the mark of the last restore, which no rule ever read, and tries that the support desk granted."""
    document.pop("fence", None)
    for name in _COUNTERS:
        document.get(name, {}).pop("granted_count", None)
    return document


def _from_2_to_1(document: Document) -> Document:
    """Take out the known browsers, whose failures count with all others, app passwords, and the budget of resyncs."""
    days: dict[int, int] = {}
    for day, count in document.get("known_failures", []) + document.get("code_failures", {}).get("days", []):
        days[day] = days.get(day, 0) + count
    if days:
        document.setdefault("code_failures", {})["days"] = [[day, days[day]] for day in sorted(days)]
    for name in _ADDED_IN_2:
        document.pop(name, None)
    for pending in document.get("pending", []):
        pending.pop("wrong_count", None)
    for browser in document.get("remembered_browsers", []):
        browser.pop("known_id", None)
    return document


def _same(document: Document) -> Document:
    """Return the document: the form 3 has a MAC beside it, of which the form 2 knows nothing."""
    return document


#: The form from which on an account has a MAC, so that one without it was edited.
MAC_SCHEMA = 3
#: The steps of a stored account, the oldest first. A release needs the last one only.
ACCOUNT_STEPS = (
    SchemaStep(number=2, upgrade=_from_1_to_2, downgrade=_from_2_to_1),
    SchemaStep(number=MAC_SCHEMA, upgrade=_same, downgrade=_same),
)
ACCOUNT_SCHEMA = ACCOUNT_STEPS[-1].number

EVENT_STEPS: tuple[SchemaStep, ...] = ()
EVENT_SCHEMA = 1
