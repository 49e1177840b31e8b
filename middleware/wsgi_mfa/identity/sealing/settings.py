"""The settings of sealed credentials, read and checked."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from wsgi_mfa.errors import ConfigurationError
from wsgi_mfa.identity.adapter import Adapter
from wsgi_mfa.identity.request.cookie_header import is_cookie_name
from wsgi_mfa.identity.request.sanitizer import declared_cookies
from wsgi_mfa.identity.request.undeclared import UndeclaredCredential, Where

_WAY = re.compile(r"(argument|header|field) ([!#$%&'+.^_`|~0-9A-Za-z-]+)", re.ASCII)
_GROUP = re.compile(r"[\x20-\x7e]{1,64}", re.ASCII)


class SealMode(Enum):
    """The treatment of the portal's cookies: sealed; opened where sealed but written in clear; neither."""

    ON = True
    ACCEPT = "accept"
    OFF = False


@dataclass(frozen=True, kw_only=True, slots=True)
class SealSettings:
    """How a portal's cookies are sealed.

    ``unsealed_cookies`` are never sealed. ``group`` is shared by applications that share one session, None for a
    portal by itself. ``other_ways`` are arguments and headers by which the portal takes its session id too, and
    ``other_fields`` fields of a body.
    """

    mode: SealMode
    unsealed_cookies: tuple[str, ...]
    group: str | None
    other_ways: tuple[UndeclaredCredential, ...]
    other_fields: tuple[str, ...] = ()


def seal_settings(
    seal_credentials: object,
    *,
    unsealed_cookies: Sequence[str] = (),
    seal_group: str | None = None,
    also_by: Sequence[str] = (),
    identity: Adapter | None = None,
    forward_auth: bool = False,
) -> SealSettings:
    """Check the settings of sealing for a portal with the adapter ``identity``.

    :raises ConfigurationError: a setting has no legal value; the message names both.
    """
    modes = [mode for mode in SealMode if mode.value is seal_credentials or mode.value == seal_credentials]
    if not isinstance(seal_credentials, bool | str) or not modes:
        raise ConfigurationError(
            f'seal_credentials is {seal_credentials!r}: legal are true, "accept" and false',
            setting="seal_credentials",
        )
    if forward_auth and modes[0] is not SealMode.OFF:
        raise ConfigurationError(
            "seal_credentials: with forward_auth the portal's responses do not pass through the middleware, so that its"
            " cookies cannot be sealed: legal is false. The gateway seals them: see docs/forward-auth.md",
            setting="seal_credentials",
        )
    if seal_group is not None and not (isinstance(seal_group, str) and _GROUP.fullmatch(seal_group)):
        raise ConfigurationError(
            f"seal_group is {seal_group!r}: legal is a name of 1 to 64 printable ASCII characters",
            setting="seal_group",
        )
    return SealSettings(
        mode=modes[0],
        unsealed_cookies=_unsealed(unsealed_cookies, identity),
        group=seal_group,
        other_ways=_other_ways(also_by),
        other_fields=tuple(text.partition(" ")[2] for text in also_by if text.startswith("field ")),
    )


def _unsealed(names: Sequence[str], identity: Adapter | None) -> tuple[str, ...]:
    if isinstance(names, str) or not all(isinstance(name, str) and is_cookie_name(name) for name in names):
        raise ConfigurationError(
            f"unsealed_cookies is {names!r}: legal is a list of cookie names", setting="unsealed_cookies"
        )
    declared = () if identity is None else declared_cookies(identity)
    for name in names:
        if name in declared:
            raise ConfigurationError(
                f"unsealed_cookies has {name!r}, by which the portal knows its users: legal are other cookies",
                setting="unsealed_cookies",
            )
    return tuple(names)


def _other_ways(also_by: Sequence[str]) -> tuple[UndeclaredCredential, ...]:
    ways = []
    for text in [also_by] if isinstance(also_by, str) else also_by:
        match = _WAY.fullmatch(text) if isinstance(text, str) and not isinstance(also_by, str) else None
        if match is None:
            raise ConfigurationError(
                f"also_by is {also_by!r}: legal is a list of argument NAME, header NAME and field NAME",
                setting="also_by",
            )
        if match[1] == "field":
            continue
        is_header = match[1] == "header"
        where = Where.ENVIRON if is_header else Where.ARGUMENT
        pattern = f"HTTP_{match[2]}" if is_header else match[2]
        ways.append(UndeclaredCredential(where=where, pattern=pattern, reason="also_by"))
    return tuple(ways)
