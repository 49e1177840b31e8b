"""An account as a program of the support desk reads it; instants are whole seconds since 1970 UTC."""

from __future__ import annotations

from dataclasses import asdict

from wsgi_mfa.core.account import Account
from wsgi_mfa.core.instants import SECOND
from wsgi_mfa.support.account_view import AccountView
from wsgi_mfa.support.desk import SESSION_CHARACTERS
from wsgi_mfa.support.event_text import in_words


def members_of(view: AccountView, handle: str) -> dict[str, object]:
    """What stands of an account in an answer; ``handle`` names it in a URL for an hour."""
    account = view.account
    return {
        "user": view.user,
        "account": handle,
        "state": view.state,
        "has_address": view.has_address,
        "generation": None if account is None else account.generation,
        **({} if account is None else _state_members(view, account)),
        "events": [
            {
                "at": event.at // SECOND,
                "kind": event.kind,
                "words": in_words(event),
                "source": event.source,
                "details": dict(event.details),
            }
            for event in view.events
        ],
    }


def _state_members(view: AccountView, account: Account) -> dict[str, object]:
    held, code, asked = account.authenticator, account.recovery_code, account.reset_asked
    return {
        "enrolled_at": None if held is None else held.confirmed_at // SECOND,
        "reset_at": None if account.reset_at is None else account.reset_at // SECOND,
        "reset_asked": None if asked is None else {"agent": asked.agent, "at": asked.at // SECOND},
        "drift_seconds": view.drift_seconds,
        "guessed": view.guessed,
        "codes": view.codes and asdict(view.codes),
        "known_browsers": view.known_browsers and asdict(view.known_browsers),
        "wrong_recovery_codes": view.wrong_recovery_codes_count,
        "recovery_code": "none" if code is None else "stored" if code.acknowledged else "not_stored",
        "sessions": [
            {
                "session": session.id[:SESSION_CHARACTERS],
                "method": session.method.value,
                "verified_at": session.verified_at // SECOND,
                "seen_at": session.seen_at // SECOND,
            }
            for session in account.sessions
        ],
        "app_passwords": [
            {
                "app_password": each.id[:SESSION_CHARACTERS],
                "name": each.name,
                "path": each.path,
                "made_at": each.made_at // SECOND,
                "used_at": None if each.used_at is None else each.used_at // SECOND,
                "expires_at": each.expires_at // SECOND,
            }
            for each in account.app_passwords
        ],
    }
