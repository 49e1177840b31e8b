"""A portal of which nothing is known but its sign-in form (D9): no key, no database, no change."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from wsgi_mfa.errors import ConfigurationError
from wsgi_mfa.identity.adapter import Adapter
from wsgi_mfa.identity.observed_login.binding import Headers, ObservedLogin, UnrecognizedSignInError
from wsgi_mfa.identity.observed_login.login_body import JSON, MULTIPART, URLENCODED
from wsgi_mfa.identity.observed_login.response_rule import ResponseRule
from wsgi_mfa.identity.sign_in_fields.names import comparable_path, name_of

_PASSWORDS = frozenset(("password", "passwd", "passphrase", "pass", "pwd", "pw", "pin", "secret"))
MEDIA_TYPES = (URLENCODED, MULTIPART, JSON)


class LoginForm(ObservedLogin):
    """Watches the form at ``path``, in whose ``field`` the user is typed.

    ``cookies`` are those by which the portal knows its users afterwards. ``succeeded`` and ``failed`` are
    conditions on its answers, such as ``["status=302", "location!=/sign-in*"]`` and ``["status=200"]``; see
    :class:`~wsgi_mfa.identity.observed_login.response_rule.ResponseRule`. Both are needed: an answer that is
    neither, or both, is kept back and signs nobody in. ``path`` may be several, where the form stands elsewhere
    than it is sent to.

    Where the name is typed on one page and the password on the next, ``user_paths`` are those of ``path`` to which the
    name is sent. It is kept by the portal's cookies until the password comes with the same ones.

    A form with nothing but a password has no such field: ``user`` names the one user that it signs in. The password
    is never taken for a user.

    People type users as they like. Where the portal accepts a user under more than one name, ``aliases`` says so,
    and ``directory=`` must say who each of them is (D1).

    ``media_types`` are those in which the portal takes a sign-in: forms of either kind, and JSON whose field is a
    member of the one object. Name none that it does not take. A body in another, in an odd spelling, or of more than
    64 KiB signs nobody in.

    A cookie that the portal sets with a sign-in and that is not among ``cookies`` may be a way in of its own, such as
    that of a "remember me". It is kept back and told of; ``harmless_cookies`` are those that you know to be none.

    ``rehearsal``, a :class:`~wsgi_mfa.identity.observed_login.probe.SignInProbe`, plays a wrong and a right
    sign-in at the self-test, so that conditions which do not tell them apart stop the start.
    """

    def __init__(
        self,
        path: str | Sequence[str],
        field: str | None = None,
        *,
        cookies: Sequence[str],
        succeeded: Sequence[str],
        failed: Sequence[str],
        sign_out: Sequence[str] = (),
        secure: bool = True,
        aliases: bool = False,
        harmless_cookies: Sequence[str] = (),
        renews_in_responses: bool = False,
        user: str | None = None,
        user_paths: Sequence[str] = (),
        media_types: Sequence[str] = (URLENCODED,),
        rehearsal: Callable[[LoginForm], list[str]] | None = None,
    ) -> None:
        """Check the settings.

        :raises ConfigurationError: a setting has no legal value; the message names both.
        """
        super().__init__(
            paths=(path,) if isinstance(path, str) else path,
            cookies=cookies,
            sign_out=sign_out,
            secure=secure,
            aliases=aliases,
            harmless_cookies=harmless_cookies,
            renews_in_responses=renews_in_responses,
            user_field=field,
        )
        if not (field or user) or (field and user):
            raise ConfigurationError(
                "LoginForm: field or user is needed, and only one of them: the name of the form's field with the user,"
                " or the one user of a form with nothing but a password",
                setting="field",
            )
        if field and name_of(field) in _PASSWORDS:
            raise ConfigurationError(
                f"LoginForm: field is {field!r}, which looks like the password: a form without a field for the user"
                " needs user, the name of its one user",
                setting="field",
            )
        unknown = [given for given in media_types if given not in MEDIA_TYPES]
        if isinstance(media_types, str) or unknown or not media_types:
            raise ConfigurationError(
                f"LoginForm: media_types is {media_types!r}: legal is a list of {', '.join(MEDIA_TYPES)}",
                setting="media_types",
            )
        self._user_paths = self._checked_user_paths(user_paths, field, rehearsal)
        self._field = field
        self._user = user
        self._media_types = tuple(media_types)
        self._succeeded = ResponseRule(succeeded, setting="succeeded")
        self._failed = ResponseRule(failed, setting="failed")
        self._rehearsal = rehearsal

    @property
    def field(self) -> str | None:
        return self._field

    def _checked_user_paths(
        self, user_paths: Sequence[str], field: str | None, rehearsal: object
    ) -> frozenset[str]:
        chosen = frozenset() if isinstance(user_paths, str) else frozenset(map(comparable_path, user_paths))
        is_legal = chosen < self._paths and field is not None and rehearsal is None
        if user_paths and not (chosen and is_legal):
            raise ConfigurationError(
                f"{type(self).__name__}: user_paths is {user_paths!r}: legal are some, and not all, of the paths of the"
                " sign-in, together with field and without a rehearsal",
                setting="user_paths",
            )
        return chosen

    @property
    def has_first_page(self) -> bool:
        return bool(self._user_paths)

    def is_first_page(self, environ: Mapping[str, Any]) -> bool:
        return comparable_path(str(environ.get("PATH_INFO", ""))) in self._user_paths

    @property
    def media_types(self) -> tuple[str, ...]:
        return self._media_types

    def signs_in(self, environ: Mapping[str, Any]) -> bool:
        is_sent = environ.get("REQUEST_METHOD") == "POST" and self.is_sign_in_path(environ)
        return is_sent and not self.is_first_page(environ)

    def user_in(
        self, typed: str | None, status: int, headers: Headers, kept_cookies: Sequence[str]
    ) -> str | None:
        succeeded = self._succeeded.holds(status, headers, kept_cookies)
        failed = self._failed.holds(status, headers, kept_cookies)
        if failed and not succeeded:
            return None
        if not succeeded or failed:
            words = "both succeeded and failed" if failed else "neither succeeded nor failed"
            raise UnrecognizedSignInError(f"an answer with status {status} is {words}")
        if self._user is not None:
            return self._user
        if not typed:
            raise UnrecognizedSignInError(
                f"a sign-in succeeded without one {self._field!r} in the form's body"
            )
        return typed

    def selftest(self) -> list[str]:
        return [] if self._rehearsal is None else self._rehearsal(self)

    def store_selftest(self) -> list[str]:
        return []


if TYPE_CHECKING:
    _: Adapter = LoginForm("", "", cookies=(), succeeded=(), failed=())
