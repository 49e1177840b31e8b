"""Django's sessions, read by Django itself: in the same process, from whichever engine the project has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING, Any

from wsgi_mfa.directory import Person
from wsgi_mfa.entropy import SystemEntropy
from wsgi_mfa.errors import AdapterUnavailableError, ConfigurationError
from wsgi_mfa.identity.adapter import UNRESOLVED, Adapter, AdapterTraits, Credentials, Identification
from wsgi_mfa.identity.adapters.framework_session import problem_in
from wsgi_mfa.identity.adapters.session_user import SessionUser
from wsgi_mfa.identity.request.cookie_header import value_in

FOUND_MAX = 20  # of the people whom the support desk looks for
USER_KEY = "_auth_user_id"  # django.contrib.auth.SESSION_KEY
_SESSIONS = "django.contrib.sessions.middleware.SessionMiddleware"


class DjangoSession:
    """Reads the user's primary key out of the session of ``django.contrib.auth``.

    All engines that come with Django will do: db, cached_db, cache, file and signed_cookies. The project is the one
    of ``DJANGO_SETTINGS_MODULE``, and is set up if it was not yet. With sessions on the server the second factor is
    bound to the session, which Django gives a new key at each sign-in.

    A session is asked for on every request, because it may be signed in under the same key (D3). With an engine
    that uses the database, set ``CONN_MAX_AGE`` or use cached_db: else each request connects twice.

    Users are known by their primary keys: give :data:`django_person` as ``directory=`` for names and addresses.
    """

    # login() cycles the key, or flushes the session (D8).
    traits = AdapterTraits(user_changes_in_response=True, renews_sessions=True, cookies_alone=True)

    def __init__(self, *, anonymous_keys: Sequence[str] = ()) -> None:
        """Set Django up; ``anonymous_keys`` are keys of visitors' sessions that look like those of users.

        :raises ConfigurationError: Django is missing, or has no settings that work.
        """
        settings = _set_up()
        engine = import_module(settings.SESSION_ENGINE)
        signed_cookies = import_module("django.contrib.sessions.backends.signed_cookies")
        self._store = engine.SessionStore
        self._on_server = not issubclass(self._store, signed_cookies.SessionStore)
        self._cookie: str = settings.SESSION_COOKIE_NAME
        self._session_user = SessionUser("DjangoSession", USER_KEY, anonymous_keys=anonymous_keys)
        self.traits = replace(self.traits, user_names=self._session_user.user_names)
        self.credentials = Credentials(cookies=(self._cookie,))

    def identify(self, environ: Mapping[str, Any]) -> Identification:
        key = value_in(environ.get("HTTP_COOKIE", ""), self._cookie)
        if not key:
            return None
        session = self._loaded(key)
        # Django keeps no empty sessions: this one is unknown, has ended, or was signed by somebody else.
        if not session:
            return UNRESOLVED
        return self._session_user.first_factor_in(session, session_id=key if self._on_server else None)

    def selftest(self) -> list[str]:
        from django.conf import settings
        from django.contrib.sessions.middleware import SessionMiddleware
        from django.utils.module_loading import import_string

        classes = [import_string(path) for path in settings.MIDDLEWARE]
        if not any(isinstance(each, type) and issubclass(each, SessionMiddleware) for each in classes):
            return [f"DjangoSession: add {_SESSIONS} to MIDDLEWARE: the project uses no sessions of Django"]
        return []

    def store_selftest(self) -> list[str]:
        """Return the problems of the session store, which is asked for a made-up session."""
        made_up = SystemEntropy().token_bytes(16).hex()
        return problem_in(
            lambda: self._loaded(made_up), asking="DjangoSession cannot ask for a session (was it migrated?)"
        )

    def _loaded(self, key: str) -> dict[str, Any]:
        """What the session of this key holds; nothing where there is none."""
        from django.db import DatabaseError

        before = _unconnected()
        try:
            try:
                return dict(self._store(key).load())
            except DatabaseError:
                # A server that was started anew has cut this thread's connection: the next one is good.
                _close_unusable()
                return dict(self._store(key).load())
        except Exception as error:
            raise AdapterUnavailableError(f"DjangoSession cannot ask for a session: {error!r}") from error
        finally:
            _leave_as_found(before)


class DjangoDirectory:
    """A ``directory=`` for a Django project: the person behind a primary key.

    :data:`django_person` is one without groups; ``with_groups`` looks them up too, by one more query a request.
    """

    def __init__(self, *, with_groups: bool) -> None:
        self._with_groups = with_groups

    def __call__(self, user_id: str) -> Person | None:
        """The person of this key.

        None, which rejects the user, where the user is gone or inactive. The account is found by the key, since users
        may change their names.
        """
        from django.contrib.auth import get_user_model

        model = get_user_model()
        before = _unconnected()
        try:
            user = model._default_manager.get(pk=user_id, is_active=True)
            return self._person(user)
        except (model.DoesNotExist, ValueError, TypeError):
            return None  # gone, or not a key of this project
        finally:
            _leave_as_found(before)

    def people(self) -> Iterator[Person]:
        """All active users of the project, for ``wsgi-mfa accounts rollout`` and ``wsgi-mfa check``."""
        return self._listed(is_active=True)

    def everyone(self) -> Iterator[Person]:
        """All users of the project, for ``wsgi-mfa accounts migrate``."""
        return self._listed()

    def find(self, text: str) -> list[Person]:
        """Return the users who have this name or address, in any spelling, for the support desk."""
        from django.contrib.auth import get_user_model
        from django.db.models import Q

        model = get_user_model()
        alike = Q(**{f"{model.USERNAME_FIELD}__iexact": text})
        alike |= Q(**{f"{model.get_email_field_name()}__iexact": text})
        before = _unconnected()
        try:
            return [self._person(user) for user in model._default_manager.filter(alike)[:FOUND_MAX]]
        finally:
            _leave_as_found(before)

    def _listed(self, **conditions: bool) -> Iterator[Person]:
        _set_up()
        from django.contrib.auth import get_user_model

        before = _unconnected()
        try:
            users = get_user_model()._default_manager.filter(**conditions)
            if self._with_groups:
                users = users.prefetch_related("groups")
            for user in users:
                yield self._person(user)
        finally:
            _leave_as_found(before)

    def _person(self, user: Any) -> Person:  # noqa: ANN401 - a project has users of its own
        groups = tuple(group.name for group in user.groups.all()) if self._with_groups else ()
        email = getattr(user, type(user).get_email_field_name(), None) or None
        return Person(name=user.get_username(), email=email, groups=groups, key=str(user.pk))


#: The directory of a project, and the one that knows groups too.
django_person = DjangoDirectory(with_groups=False)
django_person_with_groups = DjangoDirectory(with_groups=True)


def _set_up() -> Any:  # noqa: ANN401 - Django's settings have no type
    """Django's settings, once its applications are ready."""
    try:
        import django
        from django.apps import apps
        from django.conf import settings
    except ModuleNotFoundError:
        raise ConfigurationError(
            "DjangoSession needs Django, in the same process", setting="identity"
        ) from None
    try:
        if not apps.ready:
            django.setup()
        import_module(settings.SESSION_ENGINE)
    except Exception as error:
        raise ConfigurationError(
            f"DjangoSession: Django cannot be set up; is DJANGO_SETTINGS_MODULE the project's? {error!r}",
            setting="identity",
        ) from error
    return settings


def _unconnected() -> list[Any]:
    """The databases that this thread has no connection to."""
    from django.db import connections

    return [each for each in connections.all() if each.connection is None]


def _leave_as_found(unconnected: list[Any]) -> None:
    """Close what was opened for a question, where the project keeps no connections: nobody else would."""
    for each in unconnected:
        if each.connection is not None and each.settings_dict.get("CONN_MAX_AGE") == 0:
            each.close()


def _close_unusable() -> None:
    from django.db import connections

    for each in connections.all():
        if each.connection is not None:
            each.close_if_unusable_or_obsolete()


if TYPE_CHECKING:
    _: Adapter = DjangoSession()
