"""Several adapters for a portal that takes a user by more than one mechanism."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from wsgi_mfa.core.usernames import UserNames, canonical
from wsgi_mfa.errors import ConfigurationError, InvalidUserError
from wsgi_mfa.identity.adapter import (
    UNRESOLVED,
    Adapter,
    AdapterTraits,
    Anonymous,
    Credentials,
    FirstFactor,
    Identification,
    refuse_incomplete,
)

logger = logging.getLogger("wsgi_mfa")


class Chain:
    """Asks every one of ``adapters``, and takes the user on whom all that name one agree.

    Two different users are nobody: all credentials are taken out, because which of them the application would take
    is unknown. Where one adapter names a user and the credentials of another prove nothing, those are taken out and
    the user stays. Two spellings of a name are two users, since the application may read either. The second factor
    is bound to all logins together.
    """

    def __init__(self, *adapters: Adapter) -> None:
        """Join what the adapters declare.

        :raises ConfigurationError: fewer than two adapters, or one that is not whole.
        """
        if len(adapters) < 2:
            raise ConfigurationError("Chain: needs two adapters or more", setting="identity")
        for adapter in adapters:
            refuse_incomplete(adapter)
        self.parts = adapters
        self.folds_names = False
        self.join()

    def fold_names(self) -> None:
        """Take spellings of one name for one user, as the setting ``user_names = "folded"`` says (D44)."""
        self.folds_names = True
        for part in self.parts:
            if isinstance(part, Chain):
                part.fold_names()

    def join(self) -> None:
        """Join what the adapters declare, again after one of them has been bound to its portal."""
        for part in self.parts:
            if isinstance(part, Chain):
                part.join()
        adapters = self.parts
        self.credentials = _joined([adapter.credentials for adapter in adapters])
        self.traits = _joined_traits([adapter.traits for adapter in adapters])

    def identify(self, environ: Mapping[str, Any]) -> Identification:
        found: list[FirstFactor] = []
        unproven: list[Credentials] = []
        for adapter in self.parts:
            answer = adapter.identify(environ)
            if isinstance(answer, FirstFactor):
                found.append(answer)
            elif answer is UNRESOLVED:
                unproven.append(adapter.credentials)
            if isinstance(answer, FirstFactor | Anonymous) and answer.unproven is not None:
                unproven.append(answer.unproven)
        left_out = _joined(unproven) if unproven else None
        if not found:
            return None if left_out is None else Anonymous(unproven=left_out)
        if len(found) == 1 and left_out is None:
            return found[0]
        users = {each.user for each in found}
        if len(users) > 1 and (not self.folds_names or len(set(map(_name_of, users))) > 1):
            logger.warning("a request names different users by different credentials: taken as nobody's")
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

    def store_selftest(self) -> list[str]:
        return [problem for adapter in self.parts for problem in adapter.store_selftest()]


def parts_of(adapter: Adapter) -> tuple[Adapter, ...]:
    """Return the adapters that ``adapter`` asks, at any depth of chains; itself for any other one."""
    if not isinstance(adapter, Chain):
        return (adapter,)
    return tuple(part for each in adapter.parts for part in parts_of(each))


def _joined_traits(traits: list[AdapterTraits]) -> AdapterTraits:
    vouched = [each.anonymous_cookies for each in traits]
    return AdapterTraits(
        user_changes_in_response=any(each.user_changes_in_response for each in traits),
        # One that reads cookies itself vouches for what the application keeps in them (D5).
        anonymous_cookies=(
            None
            if None in vouched
            else tuple(dict.fromkeys(name for names in vouched for name in names or ()))
        ),
        aliases=any(each.aliases for each in traits),
        changing_ids=any(each.changing_ids for each in traits),
        renews_sessions=all(each.renews_sessions for each in traits),
        takes_app_passwords=any(each.takes_app_passwords for each in traits),
        cookies_alone=all(each.cookies_alone for each in traits),
        own_cookies=tuple(dict.fromkeys(name for each in traits for name in each.own_cookies)),
        sign_in_fields=tuple(dict.fromkeys(given for each in traits for given in each.sign_in_fields)),
        sign_in_user_fields=tuple(
            dict.fromkeys(name for each in traits for name in each.sign_in_user_fields)
        ),
        sign_in_paths=tuple(dict.fromkeys(path for each in traits for path in each.sign_in_paths)),
        keeps_session_id=any(each.keeps_session_id for each in traits),
        user_names=(
            UserNames.ASK if any(each.user_names is UserNames.ASK for each in traits) else UserNames.EXACT
        ),
        signs_in_anywhere=any(each.signs_in_anywhere for each in traits),
        www_authenticate=next((each.www_authenticate for each in traits if each.www_authenticate), None),
    )


def _joined(credentials: list[Credentials]) -> Credentials:
    return Credentials(
        cookies=tuple(dict.fromkeys(name for each in credentials for name in each.cookies)),
        headers=tuple(dict.fromkeys(key for each in credentials for key in each.headers)),
        arguments=tuple(dict.fromkeys(name for each in credentials for name in each.arguments)),
        commas=any(each.commas for each in credentials),
    )


def _name_of(user: str) -> str:
    """The account's name; a user who can have none differs from all others, and is refused further on."""
    try:
        return canonical(user)
    except InvalidUserError:
        return user


if TYPE_CHECKING:
    _: Adapter = Chain()
