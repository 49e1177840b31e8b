"""``python -m wsgi_mfa`` is the command ``wsgi-mfa``."""

from __future__ import annotations

from wsgi_mfa.cli import main

main()
