"""One wrong and one right sign-in, played at the portal's own form before anybody depends on them (D9)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from wsgi_mfa.entropy import SystemEntropy
from wsgi_mfa.identity.observed_login.binding import UnrecognizedSignInError
from wsgi_mfa.identity.observed_login.login_body import written
from wsgi_mfa.identity.observed_login.login_form import LoginForm
from wsgi_mfa.identity.observed_login.other_names import folds_alike, other_names
from wsgi_mfa.identity.observed_login.portal_client import PortalClient, cookie_header, hidden_fields
from wsgi_mfa.identity.request.cookie_header import is_strict

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


class SignInProbe:
    """Signs ``user`` in at ``application``, the portal itself, with a made-up password and with ``password``.

    It fetches the form, sends back its hidden fields and cookies, and asks the adapter what it makes of the answers.
    ``fields`` are what else has to be filled in. The user may be one without any rights. ``origin`` is scheme, host
    and port as people's browsers name them, for a portal that answers to no other name.

    Then names that a loose comparison takes for the user's are tried with the right password, and ``other_names``,
    such as the user's e-mail address: a name that signs in too would be another user here, who may enroll (D1).
    """

    def __init__(
        self,
        application: WSGIApplication,
        *,
        user: str,
        password: str,
        password_field: str = "password",  # noqa: S107 - a field's name
        fields: Mapping[str, str] | None = None,
        origin: str = "https://localhost",
        other_names: Sequence[str] = (),
    ) -> None:
        """Check ``origin``.

        :raises ConfigurationError: it is no origin.
        """
        self._client = PortalClient(application, origin=origin, setting="identity.rehearsal.origin")
        self._user = user
        self._password = password
        self._password_field = password_field
        self._fields = dict(fields or {})
        self._other_names = tuple(other_names)

    def __call__(self, adapter: LoginForm) -> list[str]:
        """What is wrong with the adapter's ``succeeded`` and ``failed``."""
        problems: list[str] = []
        for what, password in (("wrong", SystemEntropy().token_bytes(12).hex()), ("right", self._password)):
            try:
                user, has_cookies, undeclared = self._play(adapter, password, self._user)
            except UnrecognizedSignInError as error:
                problems.append(
                    f"LoginForm: a {what} password was not recognised: {error}; is path right"
                    f" ({', '.join(adapter.paths)}), where the form is sent?"
                )
                continue
            except Exception as error:  # noqa: BLE001 - whatever the portal raises is what is wrong
                problems.append(f"LoginForm: the sign-in with a {what} password failed: {error!r}")
                continue
            if what == "wrong" and user is not None:
                problems.append("LoginForm: succeeded holds for a wrong password: it must not")
            elif what == "right" and user is None:
                problems.append("LoginForm: failed holds for a right password: it must not")
            elif what == "right" and not has_cookies:
                problems.append(f"LoginForm: a sign-in sets none of the cookies {', '.join(adapter.cookies)}")
            elif what == "right":
                problems += [adapter.undeclared_problem(name) for name in undeclared]
        if not problems and adapter.field is not None and not adapter.traits.aliases:
            problems += self._aliases(adapter)
        return problems

    def _aliases(self, adapter: LoginForm) -> list[str]:
        """Return a problem for each name that is no spelling of the user's and signs the user in as well.

        A portal that takes a made-up name too, as stand-ins do, tells nothing about names.
        """
        if self._signs_in(adapter, SystemEntropy().token_bytes(12).hex()):
            return []
        names = [each for each in other_names(self._user) if not folds_alike(each, self._user)]
        return [
            f"LoginForm: the portal signs {self._user!r} in by {name!r} too, which would be another user here: say"
            " aliases=True and give directory=, which says who each name is"
            for name in dict.fromkeys((*self._other_names, *names))
            if self._signs_in(adapter, name)
        ]

    def _signs_in(self, adapter: LoginForm, name: str) -> bool:
        try:
            user, has_cookies, _ = self._play(adapter, self._password, name)
        except Exception:  # noqa: BLE001 - a portal may fail at a name that it does not know
            return False
        return user is not None and has_cookies

    def _play(self, adapter: LoginForm, password: str, name: str) -> tuple[str | None, bool, list[str]]:
        """Who is signed in, whether there are cookies to know them by, and cookies that nobody has named."""
        path = adapter.paths[0]
        shown = self._client.ask("GET", path)
        form = {**hidden_fields(shown.body, adapter.field or self._password_field), **self._fields}
        form |= {adapter.field: name} if adapter.field is not None else {}
        form[self._password_field] = password
        content = written(form, adapter.media_types[0])
        answer = self._client.ask("POST", path, cookies=shown.cookies, content=content)
        kept, after = answer.cookies, cookie_header({**shown.cookies, **answer.cookies})
        user = adapter.user_in(name, answer.status, answer.headers, list(kept))
        for name, value in kept.items():
            if name in adapter.cookies and not is_strict(value):
                raise ValueError(f"the cookie {name} has characters that no cookie may have (RFC 6265 4.1.1)")
        return user, adapter.digest(after) is not None, adapter.undeclared(kept)
