"""What an agent reads of an account's past: each kind of event in words."""

from __future__ import annotations

from wsgi_mfa.core.events import Event

WORDS = {
    "enrollment.begun": "saw a new QR code",
    "enrollment.confirmed": "set up a phone",
    "enrollment.postponed": "put setting up a phone off",
    "enrollment_code.accepted": "typed the code of the support desk",
    "app_password.made": "made an app password",
    "app_password.ended": "had an app password ended",
    "app_password.kept": "kept an app password",
    "enrollment.wrong_code": "typed a wrong code while setting up a phone",
    "unlock_code.accepted": "typed the unlock code of the support desk",
    "known_browser.added": "has one more known browser",
    "known_browser.ended": "has a known browser less",
    "code.late": "typed a code of an earlier moment",
    "sign_in.accepted": "signed in with a second factor",
    "step_up.accepted": "confirmed with a fresh code",
    "code.wrong": "typed a wrong code after the right password",
    "budget.spent": "spent all tries",
    "lock.started": "was locked for a while",
    "lock.restarted": "stayed locked, after a clock was set",
    "recovery_code.used": "signed in with the recovery code",
    "recovery_code.retried": "asked once more for a lost reply",
    "recovery_code.shown": "was shown the recovery code",
    "recovery_code.saved": "stored the recovery code",
    "recovery_code.replaced": "made a new recovery code",
    "clock.first_code": "began to set the phone's clock right",
    "clock.relearned": "set the phone's clock right",
    "sign_out": "signed out",
    "session.ended": "had sessions ended",
    "session.expired": "had a session run out",
    "login.admitted": "typed the password again",
    "key.rotated": "has new seals",
    "support.reset": "was reset by the support desk",
    "support.reset_asked": "is to be reset, when another agent asks too",
    "support.drift_forgotten": "has a clock that counts as right again",
    "support.invited": "was invited to set up a phone",
    "support.unlocked": "was given an unlock code by the support desk",
    "support.limit_reached": "asked too much of the support desk",
    "support.fenced": "was closed after a restore",
    "support.removed": "was removed",
    "support.renamed": "got another name",
}
#: Details that are for machines, or stand in the words already.
_SILENT = frozenset({"steps_off", "step", "code_needed"})
_KINDS = {
    "code_failures": "of the app",
    "known_failures": "of the app, in a known browser",
    "recovery_failures": "recovery code",
}


def in_words(event: Event) -> str:
    """The event in words; its kind where it has none."""
    return WORDS.get(event.kind, event.kind)


def details_of(event: Event) -> str:
    """What else is on record, such as "agent edith@example.com, reason lost phone"."""
    told = (pair for pair in event.details if pair[0] not in _SILENT and pair != ("count", "1"))
    return ", ".join(_detail(name, value) for name, value in told)


def _detail(name: str, value: str) -> str:
    if name == "counters":
        return _KINDS.get(value, value)
    if name == "count":
        return f"{value} in all"
    if name == "method":
        return f"by {value.replace('_', ' ')}"
    if name == "seconds":
        return f"for {value} seconds"
    return f"{name.replace('_', ' ')} {value}"
