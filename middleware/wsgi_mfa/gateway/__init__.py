"""A reverse proxy as a WSGI application: what the middleware wraps where the portal cannot load it."""

from __future__ import annotations

from wsgi_mfa.gateway.application import Gateway

__all__ = ["Gateway"]
