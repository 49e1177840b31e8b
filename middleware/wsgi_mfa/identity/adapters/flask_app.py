"""The sessions of a Flask application in the same process, read by its own session interface."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Mapping, Sequence
from contextvars import copy_context
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

from wsgi_mfa.errors import AdapterUnavailableError, ConfigurationError
from wsgi_mfa.identity.adapter import (
    UNRESOLVED,
    Adapter,
    AdapterTraits,
    Anonymous,
    Credentials,
    FirstFactor,
    Identification,
    Unresolved,
)
from wsgi_mfa.identity.adapters.framework_session import first_factor_of, has_changing_id, problem_in
from wsgi_mfa.identity.adapters.session_user import SessionUser
from wsgi_mfa.identity.request.cookie_header import value_in

#: Packages whose session interfaces read the cookie alone.
_COOKIES_ALONE = ("flask", "flask_session")
_USER_KEY = "_user_id"  # Flask-Login's
# What extensions put into every session, known or not.
_OF_NO_MEANING = {"_permanent", "_fresh"}


class FlaskApp:
    """Asks ``app`` whose session a request bears: Flask's own, Flask-Session's, or any other interface.

    ``user_key`` is the session's key with the user's id; ``_user_id`` is Flask-Login's, whose remember-me cookie is
    read too, by the copy of Flask-Login that the application has. ``user`` makes an id of another value there, and
    ``anonymous_keys`` are keys of visitors' sessions that look like those of users.

    It must be the very object that is served. Where its sessions are Flask's own signed cookies,
    :class:`~wsgi_mfa.identity.adapters.flask_session.FlaskSession` does it faster and needs no application.

    The application is asked on every request, because many interfaces keep a session's id over a sign-in (D3).
    """

    def __init__(
        self,
        app: Any,  # noqa: ANN401 - Flask is optional
        *,
        user_key: str = _USER_KEY,
        user: Callable[[Any], Any] | None = None,
        anonymous_keys: Sequence[str] = (),
    ) -> None:
        """Look at the application's settings.

        :raises ConfigurationError: ``app`` is no Flask application.
        """
        if not hasattr(app, "session_interface"):
            raise ConfigurationError(
                f"FlaskApp: app is {app!r}: legal is the Flask application itself, not a factory",
                setting="app",
            )
        self._app = app
        self._session_user = SessionUser("FlaskApp", user_key, user=user, anonymous_keys=anonymous_keys)
        self._session_cookie: str = app.session_interface.get_cookie_name(app)
        self._manager = getattr(app, "login_manager", None)
        # Flask-Security replaces the ids of its users (D1).
        self.traits = AdapterTraits(
            user_changes_in_response=True,
            user_names=self._session_user.user_names,
            changing_ids="security" in app.extensions,
            # Flask's own cookie is another one after each change of the session.
            keeps_session_id=type(app.session_interface).__module__ != "flask.sessions",
            # An interface of the application's own may look for the session elsewhere too.
            cookies_alone=type(app.session_interface).__module__.partition(".")[0] in _COOKIES_ALONE,
        )
        self._needs_request = False  # whether the session interface asks for the current request
        cookies = [self._session_cookie]
        self._remember_cookie: str | None = None
        if self._manager is not None:
            self._remember_cookie = app.config.get("REMEMBER_COOKIE_NAME", "remember_token")
            cookies.append(self._remember_cookie)
            self._decode_cookie = _decoder_of(self._manager)
        self.credentials = Credentials(cookies=tuple(cookies))

    def identify(self, environ: Mapping[str, Any]) -> Identification:
        header = environ.get("HTTP_COOKIE", "")
        session = self._by_session(environ) if value_in(header, self._session_cookie) else None
        remembered = None
        if self._remember_cookie is not None:
            remembered = self._by_remember_cookie(value_in(header, self._remember_cookie))
        return self._together(session, remembered)

    def selftest(self) -> list[str]:
        if self._manager is None and self._session_user.user_key == _USER_KEY:
            problem = (
                "FlaskApp: the application has no Flask-Login, so user_key= must say under which key of the"
                " session it keeps the user"
            )
            return [problem]
        if not self._app.secret_key and self._manager is not None:
            return ["FlaskApp: the application has no SECRET_KEY"]
        return []

    def store_selftest(self) -> list[str]:
        """Return the problems of the session store, which is asked for a made-up session."""
        question = {"HTTP_COOKIE": f"{self._session_cookie}=made-up"}
        return problem_in(lambda: self._by_session(question), asking="FlaskApp cannot ask for a session")

    def _by_session(self, environ: Mapping[str, Any]) -> FirstFactor | Unresolved | None:
        # A copy, since requests leave things in their environ, and without the body, which belongs to the view.
        asked = {
            "REQUEST_METHOD": "GET",
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
            "wsgi.url_scheme": "http",
            "wsgi.errors": sys.stderr,
            **environ,
            "wsgi.input": io.BytesIO(),
            "CONTENT_LENGTH": "0",
        }
        try:
            if not self._needs_request:
                try:
                    with self._app.app_context():
                        request = self._app.request_class(asked)
                        return self._user_in(self._app.session_interface.open_session(self._app, request))
                except RuntimeError:
                    # Flask's error where an interface asks for the current request, as pgAdmin's does.
                    self._needs_request = True
            # In a copy of the context: Flask leaves a request whose session cannot be opened in it as the current one.
            return copy_context().run(self._in_request, asked)
        except Exception as error:
            raise AdapterUnavailableError(f"FlaskApp cannot ask for a session: {error!r}") from error

    def _in_request(self, asked: dict[str, Any]) -> FirstFactor | Unresolved | None:
        with self._app.request_context(asked) as context:  # opens the session
            return self._user_in(context.session)

    def _user_in(self, session: Any) -> FirstFactor | Unresolved | None:  # noqa: ANN401 - of any interface
        # An unknown session and one that somebody else signed are opened as new ones, and those are empty.
        if session is None or not set(session) - _OF_NO_MEANING:
            return UNRESOLVED
        return self._session_user.first_factor_in(
            session,
            session_id=getattr(session, "sid", None),
            changing=self.traits.changing_ids or has_changing_id(session),
        )

    def _by_remember_cookie(self, value: str | None) -> FirstFactor | Unresolved | None:
        if not value:
            return None
        if self._decode_cookie is None:
            return UNRESOLVED
        with self._app.app_context():
            user = self._decode_cookie(value)
            if user is None or not self._is_known(user):
                return UNRESOLVED
        return first_factor_of(user, changing=self.traits.changing_ids)

    def _is_known(self, user: str) -> bool:
        """Return whether a copy of Flask-Login in the application means this very id by its remember-me cookie.

        Copies were seen to keep more than the id in it, which would be another user to us.
        """
        if type(self._manager).__module__.partition(".")[0] == "flask_login":
            return True
        try:
            manager: Any = self._manager
            found = manager._user_callback(user)
            return found is not None and str(found.get_id()) == user
        except Exception as error:
            raise AdapterUnavailableError(f"FlaskApp cannot ask for a user: {error!r}") from error

    def _together(
        self, session: FirstFactor | Unresolved | None, remembered: FirstFactor | Unresolved | None
    ) -> Identification:
        """Who is signed in by both cookies; the one that proves nothing is taken out.

        Flask-Login looks at the session first, and at the other cookie where the session's user is gone: so a
        cookie of somebody else is taken out from beside a session.
        """
        if isinstance(session, FirstFactor):
            same = isinstance(remembered, FirstFactor) and remembered.user == session.user
            return session if same or remembered is None else _without(session, self._remember_cookie)
        if isinstance(remembered, FirstFactor):
            return remembered if session is None else _without(remembered, self._session_cookie)
        if session is UNRESOLVED and remembered is not UNRESOLVED:
            return UNRESOLVED
        if remembered is UNRESOLVED:
            unproven = self.credentials if session is UNRESOLVED else _cookie(self._remember_cookie)
            return Anonymous(unproven=unproven)
        return None


def _decoder_of(manager: object) -> Callable[[str], str | None] | None:
    """Return what reads the remember-me cookie of ``manager``; None where its Flask-Login has nothing for it.

    An application may bring Flask-Login as a package of its own, and a manager derived from it.
    """
    for each in type(manager).__mro__:
        package = each.__module__.rpartition(".")[0]
        for name in (f"{package}.utils", package) if package else ():
            try:
                decode = getattr(import_module(name), "decode_cookie", None)
            except ImportError:
                continue
            if callable(decode):
                return cast("Callable[[str], str | None]", decode)
    return None


def _without(first_factor: FirstFactor, cookie: str | None) -> FirstFactor:
    return replace(first_factor, unproven=_cookie(cookie))


def _cookie(name: str | None) -> Credentials:
    return Credentials(cookies=() if name is None else (name,))


if TYPE_CHECKING:
    _: Adapter = FlaskApp(None)
