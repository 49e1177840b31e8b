"""Sessions in a table of the application's own database: Trac, Roundup and their like."""

from __future__ import annotations

import contextlib
import os
import re
import sqlite3
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from wsgi_mfa.entropy import SystemEntropy
from wsgi_mfa.errors import AdapterUnavailableError, ConfigurationError
from wsgi_mfa.identity.adapter import UNRESOLVED, Adapter, AdapterTraits, Credentials, Identification
from wsgi_mfa.identity.adapters.session_user import SessionUser
from wsgi_mfa.identity.request.cookie_header import value_in

BUSY_SECONDS = 2
_SCHEME = "sqlite:///"

# JSON, a printed dict or tuple, or either in base64 (D1): Roundup keeps its sessions so.
_WHOLE_SESSION = re.compile(r"\s*[{\[(<]|eyJ|gAS|KGRw")


class SqlSession:
    """Looks up the value of ``cookie`` by ``query``, whose one parameter it is; its column ``user_key`` has the user.

    ``user`` makes an id of another value there; ``anonymous_keys`` are further columns, of visitors, whose names look
    like those of users.

    ``database`` is ``sqlite:///PATH``, which is opened for reading alone, or a callable that opens a connection of
    any driver of PEP 249, such as ``lambda: psycopg.connect(...)``; there is one connection in each thread. The
    parameter is written as that driver has it, ``?`` or ``%s``. A row without a user is a visitor's session.

    A value without a row proves nothing and is taken out of the request, so that a wrong guess about database or
    table lets nobody in: nobody could sign in then. Two rows with different users prove nothing either. The second
    factor is bound to the value.
    """

    traits = AdapterTraits(user_changes_in_response=True, keeps_session_id=True)

    def __init__(
        self,
        database: str | Callable[[], Any],
        query: str,
        *,
        cookie: str,
        user_key: str,
        user: Callable[[Any], Any] | None = None,
        anonymous_keys: Sequence[str] = (),
    ) -> None:
        """Check the settings; the database is opened at the self-test.

        :raises ConfigurationError: a setting has no legal value; the message names both.
        """
        if not callable(database) and not database.startswith(_SCHEME):
            raise ConfigurationError(
                f"SqlSession: database is {database!r}: legal are {_SCHEME}PATH, and a callable that connects",
                setting="database",
            )
        if not query.lstrip().lower().startswith(("select", "with")):
            raise ConfigurationError(
                "SqlSession: query must be a SELECT with one parameter, the cookie's value", setting="query"
            )
        self.credentials = Credentials(cookies=(cookie,))
        self._connect = database if callable(database) else _opener(Path(database.removeprefix(_SCHEME)))
        self._query = query
        self._cookie = cookie
        self._session_user = SessionUser("SqlSession", user_key, user=user, anonymous_keys=anonymous_keys)
        self.traits = replace(self.traits, user_names=self._session_user.user_names)
        self._local = threading.local()

    def identify(self, environ: Mapping[str, Any]) -> Identification:
        value = value_in(environ.get("HTTP_COOKIE", ""), self._cookie)
        if not value:
            return None
        rows = self._rows(value)
        user_key = self._session_user.user_key
        for row in rows:
            if user_key not in row:
                raise AdapterUnavailableError(
                    f"SqlSession: user_key is {user_key!r}: legal is a column of query, which gives"
                    f" {', '.join(map(repr, row))}"
                )
            if isinstance(row[user_key], str) and _WHOLE_SESSION.match(row[user_key]):
                raise AdapterUnavailableError(
                    f"SqlSession: the column {user_key!r} holds a whole session, which is another text after each"
                    " sign-in: let the query give the user alone"
                )
        found = [
            self._session_user.first_factor_in({**row, user_key: row[user_key] or None}, session_id=value)
            for row in rows
        ]
        return found[0] if found and all(each == found[0] for each in found) else UNRESOLVED

    def selftest(self) -> list[str]:
        try:
            rows = self._rows(SystemEntropy().token_bytes(20).hex())
        except AdapterUnavailableError as error:
            return [str(error)]
        finally:
            self._close()  # a server may fork after its start (D32)
        if rows:
            return [
                "SqlSession: query finds a row for a value that was made up: it must compare the cookie's value"
            ]
        return []

    def store_selftest(self) -> list[str]:
        return []

    def _rows(self, value: str) -> list[dict[str, Any]]:
        """The first two rows of a session, by their columns' names; more prove nothing more."""
        try:
            return self._asked(value)
        except Exception:  # noqa: BLE001 - each driver has errors of its own
            # A database that was started anew has cut this thread's connection: the next one is good.
            self._close()
        try:
            return self._asked(value)
        except Exception as error:
            self._close()
            raise AdapterUnavailableError(f"SqlSession cannot ask for a session: {error!r}") from error

    def _asked(self, value: str) -> list[dict[str, Any]]:
        if getattr(self._local, "process", None) != os.getpid():
            # A connection must not be used on both sides of a fork (D32).
            self._local.connection, self._local.process = self._connect(), os.getpid()
        connection = self._local.connection
        cursor = connection.cursor()
        try:
            cursor.execute(self._query, (value,))
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchmany(2)]
        finally:
            cursor.close()
            # Drivers begin a transaction with the first statement, in which later sessions would stay unseen.
            connection.rollback()

    def _close(self) -> None:
        connection = getattr(self._local, "connection", None)
        self._local.process = self._local.connection = None
        if connection is not None:
            with contextlib.suppress(Exception):  # it was of no use any more
                connection.close()


def _opener(path: Path) -> Callable[[], sqlite3.Connection]:
    def connect() -> sqlite3.Connection:
        if not path.is_file():
            raise FileNotFoundError(f"there is no database {path}")
        return sqlite3.connect(f"file:{quote(str(path.absolute()))}?mode=ro", uri=True, timeout=BUSY_SECONDS)

    return connect


if TYPE_CHECKING:
    _: Adapter = SqlSession("", "", cookie="", user_key="")
