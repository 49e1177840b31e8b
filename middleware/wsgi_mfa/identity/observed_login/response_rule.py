"""What a response must look like, in words that fit into a settings file: ``status=302``, ``cookie=sid``."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from urllib.parse import urlsplit

from wsgi_mfa.errors import ConfigurationError

Headers = Iterable[tuple[str, str]]
LEGAL = "status=302, location=/start*, location!=/sign-in*, cookie=NAME, cookie!=NAME"

_CONDITION = re.compile(r"(status|location|cookie)(!?=)(\S+)", re.ASCII)
_STATUS = re.compile(r"[1-5][0-9]{2}", re.ASCII)


class ResponseRule:
    """Conditions that a response meets all at once.

    ``status`` is three digits, ``location`` the path and query of that header, in which ``*`` matches any text, and
    ``cookie`` the name of one that is set and not taken away.

    :raises ConfigurationError: there is no condition, or one that is not legal; ``setting`` is named in it.
    """

    def __init__(self, conditions: Sequence[str], *, setting: str) -> None:
        if isinstance(conditions, str) or not conditions:
            raise ConfigurationError(
                f"{setting} is {conditions!r}: legal is a list of conditions such as {LEGAL}", setting=setting
            )
        self._conditions = [_condition(text, setting) for text in conditions]

    def holds(self, status: int, headers: Headers, kept_cookies: Iterable[str]) -> bool:
        """Whether a response with these headers, which leaves these cookies in the browser, meets every condition."""
        location = next((_local(value) for name, value in headers if name.lower() == "location"), "")
        cookies = frozenset(kept_cookies)
        return all(condition(status, location, cookies) for condition in self._conditions)


_Condition = Callable[[int, str, "frozenset[str]"], bool]


def _condition(text: str, setting: str) -> _Condition:
    match = _CONDITION.fullmatch(text)
    if match is None or (match[1] == "status" and _STATUS.fullmatch(match[3]) is None):
        raise ConfigurationError(f"{setting} has {text!r}: legal are {LEGAL}", setting=setting)
    subject, wanted, value = match[1], match[2] == "=", match[3]
    if subject == "status":
        return lambda status, _, __: (status == int(value)) is wanted
    if subject == "cookie":
        return lambda _, __, cookies: (value in cookies) is wanted
    pattern = re.compile(re.escape(value).replace(r"\*", ".*"), re.DOTALL)
    return lambda _, location, __: (pattern.fullmatch(location) is not None) is wanted


def _local(location: str) -> str:
    """Path and query of a ``Location``."""
    try:
        parts = urlsplit(location)
    except ValueError:
        return location
    return parts.path + (f"?{parts.query}" if parts.query else "")
