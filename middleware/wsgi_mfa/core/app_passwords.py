"""App passwords: the secrets of single programs that cannot ask for a code.

An app password takes the place of the code behind the portal's password. It opens no session: each request brings it
again. It is bound to a path of the portal and ends after some time, at a reset, and when its user ends it.
"""

from __future__ import annotations

import hashlib
import hmac
import re

from wsgi_mfa.core.access_rules import is_exempt, is_rule
from wsgi_mfa.core.account import Account, AppPassword
from wsgi_mfa.core.authentication_state import is_fresh, must_choose
from wsgi_mfa.core.checked import replace
from wsgi_mfa.core.commands import (
    ChooseAppPasswords,
    EndAppPassword,
    MakeAppPassword,
    NoteAppPasswordUse,
    RevokeAppPasswords,
)
from wsgi_mfa.core.context import Context
from wsgi_mfa.core.decision import Decision, Outcome, Reason
from wsgi_mfa.core.events import Event
from wsgi_mfa.core.expiry import is_of_login
from wsgi_mfa.core.instants import DAY, HOUR
from wsgi_mfa.core.recovery_codes import ALPHABET, grouped
from wsgi_mfa.core.rejections import rejected

SYMBOLS = 24  # 120 bits: a plain hash is enough
PREFIX = "mfa"
APP_PASSWORDS_MAX = 10  # of one account
DAYS_MAX = 366
NAME_CHARACTERS_MAX = 64
WHOLE_PORTAL = "/"
USE_NOTED_EVERY = HOUR
_SYMBOL = f"[{ALPHABET}]"
#: The form of an app password at the end of a text: what has it is judged as nothing else.
APP_PASSWORD = rf"(?i:{PREFIX}(?:-?{_SYMBOL}{{4}}){{6}}-?{_SYMBOL})"
_FORM = re.compile(APP_PASSWORD, re.ASCII)


def written(code: str) -> str:
    """Return the app password of 24 symbols as its user sees it: the prefix, groups of four, a check symbol."""
    return f"{PREFIX}-{grouped(code)}-{check_symbol(code)}".lower()


def check_symbol(code: str) -> str:
    """Return the symbol that tells a mistyped app password from a wrong one; every single wrong symbol changes it."""
    total = sum((2 * place + 1) * ALPHABET.index(symbol) for place, symbol in enumerate(code))
    return ALPHABET[total % len(ALPHABET)]


def is_form(text: str) -> bool:
    """Return whether ``text`` has the form of an app password."""
    return _FORM.fullmatch(text) is not None


def code_in(text: str) -> str | None:
    """Return the 24 symbols in a text of that form; None if the check symbol does not fit."""
    symbols = text.upper().replace("-", "").removeprefix(PREFIX.upper())
    code, check = symbols[:SYMBOLS], symbols[SYMBOLS:]
    return code if check == check_symbol(code) else None


def digest_of(user: str, code: str) -> str:
    """Return what an account keeps of an app password."""
    return hashlib.sha256(f"app password\0{user}\0{code}".encode()).hexdigest()


def is_path(path: str) -> bool:
    """Return whether an app password can be bound to ``path``: the whole portal, or a plain path."""
    return path == WHOLE_PORTAL or is_rule(path)


def is_name(name: str) -> bool:
    """Return whether ``name`` can name an app password: one line of printable text."""
    return 0 < len(name) <= NAME_CHARACTERS_MAX and name.isprintable() and name == name.strip()


def find(account: Account, code: str | None, context: Context) -> AppPassword | None:
    """Return the app password of an account whose code is ``code``; None if there is none that counts now."""
    if code is None or account.authenticator is None:
        return None
    digest, found = digest_of(account.user, code), None
    for each in account.app_passwords:
        if hmac.compare_digest(each.digest, digest) and counts(each, context):
            found = each
    return found


def counts(app_password: AppPassword, context: Context) -> bool:
    """Return whether an app password has not expired."""
    return context.now < app_password.expires_at


def reaches(app_password: AppPassword, path_info: str | None) -> bool:
    """Return whether an app password is good for a path of the portal; None is a path that is not known for sure."""
    if app_password.path == WHOLE_PORTAL:
        return True
    return path_info is not None and is_exempt(path_info, (app_password.path,))


def make(account: Account, command: MakeAppPassword, context: Context) -> Decision:
    """Add an app password, behind a second factor that was shown just now."""
    session = account.session(command.origin.session_id)
    if session is None or not is_of_login(session, command.origin.login, context):
        return Decision(outcome=Outcome.MUST_VERIFY)
    if not is_fresh(session, context):
        return Decision(outcome=Outcome.STEP_UP_REQUIRED)
    if not is_name(command.name):
        return rejected(Reason.UNPRINTABLE)
    if any(each.id == command.id for each in account.app_passwords):
        return rejected(Reason.CHANGED_MEANWHILE)  # the same form again: its password was shown once
    if len(account.app_passwords) >= APP_PASSWORDS_MAX:
        return rejected(Reason.TOO_MANY_APP_PASSWORDS)
    added = AppPassword(
        id=command.id,
        digest=command.digest,
        name=command.name,
        path=command.path,
        made_at=context.now,
        expires_at=context.now + command.days * DAY,
    )
    changed = replace(account, app_passwords=(*account.app_passwords, added))
    event = _event(account, added, "app_password.made", context.now, source=command.origin.source)
    return Decision(outcome=Outcome.SIGNED_IN, account=changed, events=(event,))


def end(account: Account, command: EndAppPassword, context: Context) -> Decision:
    """End one app password of the user who asks; no fresh factor is needed, since it opens nothing."""
    session = account.session(command.origin.session_id)
    if session is None or not is_of_login(session, command.origin.login, context):
        return Decision(outcome=Outcome.MUST_VERIFY)
    left, events = without(account, {command.id}, cause="user", now=context.now, source=command.origin.source)
    if not events:
        return rejected(Reason.CHANGED_MEANWHILE)
    return Decision(outcome=Outcome.SIGNED_IN, account=left, events=events)


def choose(account: Account, command: ChooseAppPasswords, context: Context) -> Decision:
    """Keep the app passwords that the user has ticked, and end the others that were asked about.

    The answer opens nothing, so it needs no fresh factor; it counts in a session that has shown one since the question.
    """
    session = account.session(command.origin.session_id)
    if session is None or not is_of_login(session, command.origin.login, context):
        return Decision(outcome=Outcome.MUST_VERIFY)
    if not must_choose(account, session):
        return Decision(outcome=Outcome.SIGNED_IN)  # the same form again
    gone = {each.id for each in account.app_passwords if each.asked_at is not None} - command.kept
    left, events = without(account, gone, cause="not_kept", now=context.now, source=command.origin.source)
    kept = [each for each in left.app_passwords if each.asked_at is not None]
    answered = replace(left, app_passwords=tuple(replace(each, asked_at=None) for each in left.app_passwords))
    told = tuple(
        _event(account, each, "app_password.kept", context.now, source=command.origin.source) for each in kept
    )
    return Decision(outcome=Outcome.SIGNED_IN, account=answered, events=(*events, *told))


def revoke(account: Account, command: RevokeAppPasswords, context: Context) -> Decision:
    """End one app password for its user, or all of them."""
    ids = {each.id for each in account.app_passwords} if command.id is None else {command.id}
    left, events = without(account, ids, cause=command.cause, now=context.now, source=command.source)
    said = (("agent", command.agent), ("reason", command.reason), ("ticket", command.ticket))
    told = tuple(pair for pair in said if pair[1])
    events = tuple(replace(event, details=(*event.details, *told)) for event in events)
    return Decision(outcome=Outcome.SIGNED_OUT, account=left if events else None, events=events)


def note_use(account: Account, command: NoteAppPasswordUse, context: Context) -> Decision:
    """Note that an app password is in use."""
    used = tuple(
        replace(each, used_at=context.now) if each.id == command.id else each
        for each in account.app_passwords
    )
    changed = replace(account, app_passwords=used)
    return Decision(outcome=Outcome.SIGNED_IN, account=None if changed == account else changed)


def use_is_due(app_password: AppPassword, now: int) -> bool:
    """Return whether a use should be noted: once an hour."""
    used_at = app_password.used_at
    return used_at is None or not 0 <= now - used_at < USE_NOTED_EVERY


def without(
    account: Account, ids: set[str], *, cause: str, now: int, source: str
) -> tuple[Account, tuple[Event, ...]]:
    """Return the account without these app passwords, and the events of their end."""
    gone = [each for each in account.app_passwords if each.id in ids]
    kept = tuple(each for each in account.app_passwords if each.id not in ids)
    events = end_events(account, gone, cause, now, source=source)
    return (replace(account, app_passwords=kept) if gone else account), events


def end_events(
    account: Account, gone: list[AppPassword] | tuple[AppPassword, ...], cause: str, now: int, *, source: str
) -> tuple[Event, ...]:
    """Return the events of the end of ``gone``."""
    return tuple(
        _event(account, each, "app_password.ended", now, source=source, cause=cause) for each in gone
    )


def _event(
    account: Account, app_password: AppPassword, kind: str, now: int, *, source: str, cause: str | None = None
) -> Event:
    details: tuple[tuple[str, str], ...] = (("app_password", app_password.name), ("path", app_password.path))
    if cause is not None:
        details = (*details, ("cause", cause))
    return Event(at=now, user=account.user, kind=kind, source=source, details=details)
