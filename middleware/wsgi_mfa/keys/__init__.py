"""The key ring, by which secrets are sealed and cookies are signed, and where it comes from."""

from __future__ import annotations

from wsgi_mfa.keys.key_file import KeyFile
from wsgi_mfa.keys.ring import KeyRing, KeySource, SealContext

__all__ = ["KeyFile", "KeyRing", "KeySource", "SealContext"]
