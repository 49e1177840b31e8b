"""What commands are made of: who asks, and the fresh values that a decision may put into an account."""

from __future__ import annotations

from dataclasses import dataclass, field

from wsgi_mfa.core.account import KeyParameters


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """Who asks: a browser that has passed the first factor.

    ``browser`` is its browser cookie's value and ``next_browser`` the value that it gets on success (D20);
    ``login`` is the fingerprint of its login at the portal, where the portal has one; ``session_id`` is the
    session that its cookie names; ``source`` is the peer's address, for the audit record only.
    """

    browser: str
    next_browser: str
    login: str | None = None
    session_id: str | None = None
    source: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class NewKey:
    """A fresh key, sealed, with the id of the pending enrollment that may hold it."""

    id: str
    sealed_key: str
    parameters: KeyParameters


@dataclass(frozen=True, kw_only=True, slots=True)
class NewRecoveryCode:
    """A fresh recovery code, sealed twice: what checks it, and what can show it (D13)."""

    id: str
    sealed_digest: str
    sealed_copy: str


@dataclass(frozen=True, kw_only=True, slots=True)
class NewBrowser:
    """A browser to be remembered, by its first ``secret``; ``replaces`` is the id that it was remembered by (R55)."""

    id: str
    secret: str = field(repr=False)
    label: str
    replaces: str | None = None
