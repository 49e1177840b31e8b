"""Several adapters for a portal that takes a user by more than one mechanism."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from wsgi_mfa.core.user import canonical
from wsgi_mfa.errors import ConfigurationError, InvalidUserError
from wsgi_mfa.identity.adapter import (
    UNRESOLVED,
    Adapter,
    Carriers,
    FirstFactor,
    Identification,
    Nobody,
)

logger = logging.getLogger("wsgi_mfa")


class Chain:
    """Asks every one of ``adapters``, and takes the user on whom all that name one agree.

    Two different users are nobody: all carriers are taken out, because which of them the application would take
    is unknown. Where one adapter names a user and the carriers of another prove nothing, those are taken out and
    the user stays. The second factor is bound to all logins together.
    """

    def __init__(self, *adapters: Adapter) -> None:
        """Join what the adapters declare.

        Raises:
            ConfigurationError: fewer than two adapters.
        """
        if len(adapters) < 2:
            raise ConfigurationError("Chain: needs two adapters or more", setting="identity")
        self.parts = adapters
        self.carriers = _joined([adapter.carriers for adapter in adapters])
        vouched = [adapter.anonymous_cookies for adapter in adapters]
        # One that reads cookies itself vouches for what the application keeps in them (D5).
        self.anonymous_cookies = (
            None
            if None in vouched
            else tuple(dict.fromkeys(name for names in vouched for name in names or ()))
        )
        self.user_changes_in_response = any(adapter.user_changes_in_response for adapter in adapters)
        self.aliases = any(getattr(adapter, "aliases", False) for adapter in adapters)
        self.changing_ids = any(getattr(adapter, "changing_ids", False) for adapter in adapters)
        self.authenticate = next(
            (each for each in (getattr(adapter, "authenticate", None) for adapter in adapters) if each), None
        )

    def identify(self, environ: Mapping[str, Any]) -> Identification:
        found: list[FirstFactor] = []
        unproven: list[Carriers] = []
        for adapter in self.parts:
            answer = adapter.identify(environ)
            if isinstance(answer, FirstFactor):
                found.append(answer)
            elif answer is UNRESOLVED:
                unproven.append(adapter.carriers)
            if isinstance(answer, FirstFactor | Nobody) and answer.unproven is not None:
                unproven.append(answer.unproven)
        left_out = _joined(unproven) if unproven else None
        if not found:
            return None if left_out is None else Nobody(unproven=left_out)
        if len(found) == 1 and left_out is None:
            return found[0]
        users = {each.user for each in found}
        if len(users) > 1 and len(set(map(_name_of, users))) > 1:
            logger.warning("a request names different users by different carriers: taken as nobody's")
            return UNRESOLVED
        logins = [each.login for each in found if each.login is not None]
        return FirstFactor(
            user=found[0].user,
            login="|".join(logins) or None,
            unproven=left_out,
            changing=any(each.changing for each in found),
            code=next((each.code for each in found if each.code is not None), None),
            replaced=tuple(pair for each in found for pair in each.replaced),
        )

    def selftest(self) -> list[str]:
        return [problem for adapter in self.parts for problem in adapter.selftest()]

    def problems_in_asking(self) -> list[str]:
        """What is wrong with the stores of the adapters that have one."""
        asking = (getattr(adapter, "problems_in_asking", None) for adapter in self.parts)
        return [problem for ask in asking if ask is not None for problem in ask()]


def _joined(carriers: list[Carriers]) -> Carriers:
    return Carriers(
        cookies=tuple(dict.fromkeys(name for each in carriers for name in each.cookies)),
        headers=tuple(dict.fromkeys(key for each in carriers for key in each.headers)),
        arguments=tuple(dict.fromkeys(name for each in carriers for name in each.arguments)),
        commas=any(each.commas for each in carriers),
    )


def _name_of(user: str) -> str:
    """The account's name; a user who can have none differs from all others, and is refused further on."""
    try:
        return canonical(user)
    except InvalidUserError:
        return user


if TYPE_CHECKING:
    _: Adapter = Chain()
