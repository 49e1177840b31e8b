"""What a step came to, compared with what was expected of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mfa_simulator.language.format.tables import AS_USER
from mfa_simulator.language.scenario import Expectation, Step

WORDS_SHOWN = 160
#: What a story meets that was written for a portal whose adapter cannot tell one login from another.
LOGIN_ENDED = "where the adapter knows single logins, a lock ends the one that ran into it"


@dataclass(frozen=True, kw_only=True, slots=True)
class StepOutcome:
    """What a step came to, in the terms of `expect`."""

    outcome: str | None = None
    hint: str | None = None
    recovery_code_shown: bool = False
    app_called: bool = False
    as_user: bool = False
    retry_after_seconds: int | None = None
    evaluated: int = 0
    status: int | None = None
    page: str | None = None
    words: str = ""
    events: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


def differences(step: Step, found: StepOutcome, *, must: tuple[str, ...] | None) -> tuple[str, ...]:
    """Give every difference in words, `outcome: expected signed_in, got wrong_code`; empty when all is as expected.

    `must` holds the outcomes one of which the step must reach when it expects nothing itself.
    """
    if step.expect is not None:
        return tuple(_from_expectation(step.expect, found))
    if must is None or found.outcome in must:
        return ()
    return (_difference("outcome", " or ".join(must), found.outcome),)


def _from_expectation(expect: Expectation, found: StepOutcome) -> Iterator[str]:
    if expect.outcomes is not None and found.outcome not in expect.outcomes:
        difference = _difference("outcome", " or ".join(expect.outcomes), found.outcome)
        ended = "locked" in expect.outcomes and found.outcome == "sign_in_required"
        yield f"{difference} ({LOGIN_ENDED})" if ended else difference
    pairs = (
        ("hint", expect.hint, found.hint or "none"),
        ("recovery_code", expect.recovery_code, "new" if found.recovery_code_shown else "none"),
        ("app_called", expect.app_called, called_word(found, expect.app_called)),
        ("retry_after", expect.retry_after_seconds, found.retry_after_seconds),
        ("evaluated", expect.evaluated, found.evaluated),
        ("status", expect.status, found.status),
        ("page", expect.page, found.page),
    )
    for name, expected, got in pairs:
        if expected is not None and expected != got:
            yield _difference(name, _word(expected), _word(got))
    said = found.words.casefold()
    for words in expect.shows:
        if words.casefold() not in said:
            yield _difference("shows", f'"{words}" on the page', f'"{_beginning(found.words)}"')
    for words in expect.hides:
        if words.casefold() in said:
            yield _difference("hides", f'no "{words}" on the page', f'"{_beginning(found.words)}"')
    if expect.events is not None:
        missing = [kind for kind in expect.events if kind not in found.events]
        if missing or (not expect.events and found.events):
            yield _difference("events", ", ".join(missing) or "none", ", ".join(found.events) or "none")


def called_word(found: StepOutcome, expected: str | None) -> str:
    """Say whether the portal was called, as exactly as it was expected."""
    if not found.app_called:
        return "no"
    return AS_USER if found.as_user and expected != "yes" else "yes"


def _beginning(words: str) -> str:
    return words if len(words) <= WORDS_SHOWN else f"{words[:WORDS_SHOWN]}..."


def _difference(name: str, expected: object, got: object) -> str:
    return f"{name}: expected {expected}, got {got if got is not None else 'none'}"


def _word(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value) if value is not None else "none"
