"""The setting ``sign_in_response``: what a script of the portal is answered when its sign-in is held.

A front end that signs in by a script reads our 401 as a wrong password. It can be answered with the status and the body
of the portal's own success instead, so that it goes on, and the next page asks for the code.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from wsgi_mfa.core.access_rules import is_exempt, is_rule
from wsgi_mfa.errors import ConfigurationError

SETTING = "sign_in_response"
#: The placeholder in a body for the address of the page that asks for the code.
PAGE = "{page}"
BODY_CHARACTERS_MAX = 4096
_MEDIA_TYPE = re.compile(
    r"[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+(; *[A-Za-z0-9-]+=[A-Za-z0-9._-]+)*", re.ASCII
)
_LEGAL = (
    'a table such as {status = 200, type = "application/json", body = \'{"ok": true}\'}, with a path of the portal or'
    " without one"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class SignInResponse:
    """The response of the portal to a sign-in of a script at ``path``, at each path if that is None."""

    status: int
    type: str = "application/json"
    body: str = ""
    path: str | None = None

    def is_for(self, path_info: str) -> bool:
        """Return whether a request for this path is answered so."""
        return self.path is None or is_exempt(path_info, (self.path,))

    def body_with(self, page: str) -> str:
        """Return the body, with the address of our page where it names it; such an address has no quotes."""
        return self.body.replace(PAGE, page)


def read_sign_in_response(setting: Mapping[str, Any] | None) -> SignInResponse | None:
    """Return what the setting says; None if it is not given.

    :raises ConfigurationError: it is not legal.
    """
    if setting is None:
        return None
    given = dict(setting) if isinstance(setting, Mapping) else {}
    names = {field.name for field in fields(SignInResponse)}
    if "status" not in given or not set(given) <= names:
        raise _illegal(f"{SETTING} is {setting!r}: legal is {_LEGAL}")
    status, kind, body, path = (given.get(name) for name in ("status", "type", "body", "path"))
    if type(status) is not int or not 200 <= status <= 299:
        raise _illegal(f"{SETTING}.status is {status!r}: legal is a status of success, 200 to 299")
    if kind is not None and (not isinstance(kind, str) or _MEDIA_TYPE.fullmatch(kind) is None):
        raise _illegal(f"{SETTING}.type is {kind!r}: legal is a media type such as application/json")
    if body is not None and (not isinstance(body, str) or len(body) > BODY_CHARACTERS_MAX):
        raise _illegal(f"{SETTING}.body is too long, or no text: legal are {BODY_CHARACTERS_MAX} characters")
    if path is not None and (not isinstance(path, str) or not is_rule(path)):
        raise _illegal(f"{SETTING}.path is {path!r}: legal is a plain path such as /login")
    return SignInResponse(status=status, type=kind or "application/json", body=body or "", path=path)


def _illegal(message: str) -> ConfigurationError:
    return ConfigurationError(message, setting=SETTING)
