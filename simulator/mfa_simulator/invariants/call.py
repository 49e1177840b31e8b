"""One request as the judges see it: who asked, what was typed, what was saved meanwhile, and the reply."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from urllib.parse import parse_qsl, urlsplit

from mfa_simulator.world.http import CACHED_MAX, PORT, Request, Response
from wsgi_mfa import Event, Policy
from wsgi_mfa.accounts import Account

BROWSER_COOKIE = f"wsgi_mfa_browser_{PORT}"
SESSION_COOKIE = f"wsgi_mfa_session_{PORT}"
KNOWN_COOKIE = f"wsgi_mfa_known_{PORT}"
FIELDS = ("code", "recovery_code", "enrollment_code", "unlock_code")
LOOK_ALIKES = str.maketrans({"O": "0", "I": "1", "L": "1", " ": None, "-": None})


@dataclass(frozen=True, kw_only=True, slots=True)
class Save:
    """One change that is durable: the account before and after it, and the events saved with it."""

    before: Account | None
    after: Account
    events: tuple[Event, ...]

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds of its events."""
        return frozenset(event.kind for event in self.events)

    @property
    def is_binding(self) -> bool:
        """Whether it makes another key the active one."""
        new = self.after.authenticator
        old = self.before.authenticator if self.before is not None else None
        return new is not None and (old is None or old.id != new.id)


@dataclass(kw_only=True)
class JudgedCall:
    """What the server does for one request, or for the support desk, which sends none.

    `at` is an instant of true time, `now` what the worker's clock shows then; `number` counts calls and saves.
    """

    request: Request | None
    user: str | None
    at: int
    now: int
    policy: Policy
    number: int
    closed: Mapping[str, bool]
    saves: list[Save] = field(default_factory=list)
    logs: list[str] = field(default_factory=list)
    response: Response | None = None

    @property
    def cookies(self) -> Mapping[str, str]:
        """The cookies that the browser sent."""
        return cookies_in(self.request.cookie) if self.request is not None else {}

    @cached_property
    def fields(self) -> dict[str, str]:
        """What was posted, as a form or as JSON; values that are no text are left out."""
        if self.request is None or self.request.method != "POST":
            return {}
        text = self.request.body.decode("utf-8", "replace")
        if text.lstrip().startswith("{"):
            try:
                values = json.loads(text)
            except ValueError:
                return {}
            return {name: value for name, value in values.items() if isinstance(value, str)}
        return dict(parse_qsl(text, keep_blank_values=True))

    @property
    def path(self) -> str:
        """The path that was asked for; empty for the desk."""
        return self.request.path if self.request is not None else ""

    @property
    def has_password_in_query(self) -> bool:
        """Whether the address has a password among its arguments."""
        query = urlsplit(self.request.url).query if self.request is not None else ""
        return any(name == "password" for name, _ in parse_qsl(query, keep_blank_values=True))

    @property
    def words(self) -> str:
        """The request in words."""
        return (
            f"{self.request.method} {self.request.path}" if self.request is not None else "the support desk"
        )

    def typed(self, name: str) -> str | None:
        """Give what was typed into one of `FIELDS`, as the server must read it; None for what spells no code."""
        text = self.fields.get(name)
        if text is None or not text.isascii():
            return None
        if name == "code":
            bare = text.replace(" ", "").replace("-", "")
            return bare if bare.isdigit() else None
        return text.strip().upper().translate(LOOK_ALIKES) or None

    def opened(self, save: Save) -> list[str]:
        """Give the ids of the sessions that a save opened."""
        before = {session.id for session in save.before.sessions} if save.before is not None else set()
        return [session.id for session in save.after.sessions if session.id not in before]


@lru_cache(maxsize=CACHED_MAX)
def cookies_in(header: str) -> Mapping[str, str]:
    """Read a `Cookie` header."""
    pairs = (part.strip().partition("=") for part in header.split(";"))
    return {name: value for name, equals, value in pairs if equals}


def id_in(value: str | None) -> str | None:
    """Give the id that one of the middleware's cookies is about, without what a browser is remembered by."""
    parts = (value or "").split(".")
    return parts[1].partition("-")[0] if len(parts) > 2 else None


def account_text(account: Account | None) -> str:
    """Describe an account without a secret."""
    if account is None:
        return "no account"
    phone, code, wrong = account.authenticator, account.recovery_code, account.code_failures
    parts = [
        "no phone"
        if phone is None
        else f"phone {phone.id[:6]} with last step {phone.last_step} and drift {phone.drift_steps}",
        "no recovery code"
        if code is None
        else f"recovery code {code.id[:6]}{'' if code.acknowledged else ' not stored yet'}",
        "sessions " + (", ".join(session.id[:6] for session in account.sessions) or "none"),
        f"pending {len(account.pending)}",
        f"wrong codes {wrong.consecutive_count}, recovery codes {account.recovery_failures.consecutive_count}",
    ]
    if wrong.locked_since is not None:
        parts.append(f"locked for {wrong.locked_seconds} s")
    return "; ".join(parts)
