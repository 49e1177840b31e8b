"""The commands about remembered browsers; :mod:`wsgi_mfa.core.commands` has them beside all others."""

from __future__ import annotations

from dataclasses import dataclass, field

from wsgi_mfa.core.given import Origin


@dataclass(frozen=True, kw_only=True, slots=True)
class RecallBrowser:
    """Sign in as the remembered browser of this id, by its ``secret``, in whose place ``next_secret`` comes (R55)."""

    origin: Origin
    browser_id: str
    secret: str = field(repr=False)
    next_secret: str = field(repr=False)
    session_id: str
    address: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ForgetBrowser:
    """The user wants a remembered browser forgotten, or all of them without an id (R55)."""

    origin: Origin
    browser_id: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class RevokeBrowser:
    """An operator forgets one remembered browser; ``cause`` is a word for the audit record."""

    browser_id: str
    cause: str
    source: str = ""
