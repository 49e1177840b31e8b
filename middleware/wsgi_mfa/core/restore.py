"""Closing what a restored backup would open again: steps, recovery codes, sessions, and phones of before (R13, D28).

What happened after the backup was made is known by the record of events alone, where that was kept elsewhere. It
tells of resets, of new phones, of removals and of wrong codes, which are done again as far as they close something:
a key that was bound since is lost, and what was opened since stays closed.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from wsgi_mfa.core import app_passwords, throttle
from wsgi_mfa.core.account import Account, Failures
from wsgi_mfa.core.commands import FenceAfterRestore
from wsgi_mfa.core.context import Context
from wsgi_mfa.core.decision import Decision, Outcome
from wsgi_mfa.core.events import Event
from wsgi_mfa.core.remembered_browsers import all_ended_events
from wsgi_mfa.core.verification import fenced

#: What makes the phone of the backup one of the past.
_OTHER_PHONE = frozenset({"support.reset", "enrollment.confirmed", "support.renamed"})


@dataclass(kw_only=True, slots=True)
class _Lost:
    """What the lost events of one account come to."""

    phone_gone: bool = False
    reset_at: int | None = None
    removed_at: int | None = None
    code_needed: bool = False
    failures: dict[str, Failures] = field(default_factory=dict)
    granted_tries: throttle.Days = ()


def fence(account: Account, command: FenceAfterRestore, context: Context) -> Decision:
    """Refuse all that a restored backup would open again, and do the lost events again that closed something."""
    lost = _read(account, command.lost)
    held = None if lost.phone_gone else account.authenticator
    removed_at = lost.removed_at or account.removed_at
    code_needed = account.enrollment_code_needed or lost.code_needed or removed_at is not None
    changed = replace(
        account,
        generation=command.generation,
        authenticator=held and fenced(held, context),
        recovery_code=None,
        code_failures=lost.failures["code_failures"],
        recovery_failures=lost.failures["recovery_failures"],
        known_browsers=(),
        known_failures=lost.failures["known_failures"].days,
        granted_tries=lost.granted_tries,
        unlock_code=None,
        reset_at=lost.reset_at or account.reset_at,
        reset_asked=None,
        enrollment_code=None,
        enrollment_code_needed=code_needed or (command.invited and held is None),
        enrollment_browser=None,
        address=None if lost.removed_at is not None else account.address,
        removed_at=removed_at,
        pending=(),
        sessions=(),
        remembered_browsers=(),
        app_passwords=(),
        retries=(),
        answers=(),
        first_code=None,
    )
    details = (("lost_events", str(len(command.lost))),) if command.lost else ()
    event = Event(
        at=context.now, user=account.user, kind="support.fenced", source=command.source, details=details
    )
    forgotten = all_ended_events(account, "fence", context.now, source=command.source)
    ended = app_passwords.end_events(
        account, account.app_passwords, "fence", context.now, source=command.source
    )
    return Decision(outcome=Outcome.RESET, account=changed, events=(event, *forgotten, *ended))


def _read(account: Account, events: tuple[Event, ...]) -> _Lost:
    lost = _Lost(
        failures={
            "code_failures": account.code_failures,
            "known_failures": Failures(days=account.known_failures),
            "recovery_failures": account.recovery_failures,
        },
        granted_tries=account.granted_tries,
    )
    for event in events:
        details = dict(event.details)
        if event.kind in _OTHER_PHONE:
            lost.phone_gone = True
            # The key that was bound by then is lost: whoever has the password must not be the first to bind another.
            lost.code_needed = event.kind != "support.reset" or details.get("code_needed") == "true"
            lost.reset_at = event.at  # a roll-out asks whoever has ever bound a phone for one
            lost.failures = {name: throttle.without_locks(each) for name, each in lost.failures.items()}
        if event.kind == "support.removed" or details.get("old") == account.user:
            lost.removed_at, lost.phone_gone = event.at, True
        elif event.kind == "support.invited":
            lost.code_needed = True
        elif event.kind == "code.wrong":
            name = details["counters"]
            lost.failures[name] = _charged(
                lost.failures[name], at=event.at, consecutive_count=int(details["count"])
            )
        elif event.kind == "lock.started":
            name, seconds = details["counters"], int(details["seconds"])
            lost.failures[name] = replace(lost.failures[name], locked_since=event.at, locked_seconds=seconds)
    return lost


def _charged(failures: Failures, *, at: int, consecutive_count: int) -> Failures:
    """``failures`` with one more at the instant ``at``; of the consecutive ones the higher value counts."""
    return replace(
        failures,
        consecutive_count=max(failures.consecutive_count, consecutive_count),
        days=throttle.with_one_more(failures.days, throttle.day_of(at)),
    )
