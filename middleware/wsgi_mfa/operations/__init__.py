"""Operations on accounts and on the store as such, for an operator's own tools."""

from __future__ import annotations

from wsgi_mfa.operations.accounts import AccountKeeper
from wsgi_mfa.operations.restore import Fenced
from wsgi_mfa.operations.spellings import SpellingKeeper
from wsgi_mfa.operations.store import StoreKeeper

__all__ = ["AccountKeeper", "Fenced", "SpellingKeeper", "StoreKeeper"]
