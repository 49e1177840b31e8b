"""The command ``wsgi-mfa``."""

from __future__ import annotations

from wsgi_mfa.cli.root import main

__all__ = ["main"]
