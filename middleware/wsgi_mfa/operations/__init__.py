"""Operations on accounts as such, for an operator's own tools."""

from __future__ import annotations

from wsgi_mfa.operations.accounts import AccountKeeper

__all__ = ["AccountKeeper"]
