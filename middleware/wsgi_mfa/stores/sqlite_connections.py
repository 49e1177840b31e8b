"""SQLite connections that belong to one process and one thread, and are never carried over a fork (D32).

A forked child inherits what SQLite knows of its locks, but not the locks: a child that goes on while its parent
has the file open would believe that it holds one, and a third process could take the write-ahead log away from
under it. So every connection is closed before a fork, and each side opens its own when it next needs one.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Callable

from wsgi_mfa.errors import StoreUnavailableError

LOOK_SECONDS = 0.01  # how long a reader may go on with a file that was replaced under it, or closed


class Link:
    """The connection of one thread; whoever holds ``lock`` may use it, and holds off a fork."""

    __slots__ = ("__weakref__", "_check", "_connection", "_looked_at", "_open", "_pid", "lock")

    def __init__(
        self,
        open_connection: Callable[[], sqlite3.Connection],
        check: Callable[[sqlite3.Connection], None],
    ) -> None:
        self._open = open_connection
        self._check = check
        self._connection: sqlite3.Connection | None = None
        self._looked_at = 0.0
        self._pid = 0
        self.lock = threading.Lock()

    def connection(self) -> sqlite3.Connection:
        """The connection, for a reader who holds the lock.

        Whether process and file are still the same, and the store open, is looked at every ``LOOK_SECONDS``: it
        costs a query and two calls of the system, and each of these as much as all that the gate does.

        :raises StoreUnavailableError: they are not.
        """
        connection = self._connection
        if connection is None or not 0 <= time.monotonic() - self._looked_at < LOOK_SECONDS:
            return self._looked_after()
        return connection

    def __enter__(self) -> sqlite3.Connection:
        """Hold the lock, for one who writes or is in no hurry: process and file are looked at each time."""
        self.lock.acquire()
        try:
            return self._looked_after()
        except BaseException:
            self.lock.release()
            raise

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: object) -> None:
        if kind is not None:
            self.drop()
        self.lock.release()

    def drop(self) -> None:
        """Forget the connection, whose state is not known after an error; the next use opens a fresh one."""
        connection, self._connection = self._connection, None
        if connection is not None and self._pid == os.getpid():
            connection.close()  # rolls back what was not committed

    def close(self) -> None:
        with self.lock:
            self.drop()

    def hold(self) -> None:
        """Close, and let nobody open before :meth:`release`: what a fork needs."""
        self.lock.acquire()
        self.drop()

    def release(self) -> None:
        self.lock.release()

    def __del__(self) -> None:
        self.drop()

    def _looked_after(self) -> sqlite3.Connection:
        if self._connection is None:
            self._pid = os.getpid()
            self._connection = self._open()
        elif self._pid != os.getpid():
            raise StoreUnavailableError(
                "this process was forked past Python while the store was open: fork first, or close the store"
            )
        self._looked_at = -1.0  # should the check fail, the next use looks again
        self._check(self._connection)
        self._looked_at = time.monotonic()
        return self._connection


class Connections:
    """All the links of one store; ``mine()`` is the one of the calling thread.

    ``check`` raises where what ``open_connection`` opens is no longer what it was, or must not be used now.
    """

    def __init__(
        self,
        open_connection: Callable[[], sqlite3.Connection],
        check: Callable[[sqlite3.Connection], None],
    ) -> None:
        self._open = open_connection
        self._check = check
        self._local = threading.local()
        self._links: weakref.WeakSet[Link] = weakref.WeakSet()
        self._lock = threading.Lock()
        self._closed = False
        with _FORKING:
            _ALL.add(self)

    @property
    def closed(self) -> bool:
        return self._closed

    def mine(self) -> Link:
        """The link of this thread.

        :raises StoreUnavailableError: the store was closed.
        """
        if self._closed:
            raise StoreUnavailableError("the store is closed")
        try:
            link: Link = self._local.link
        except AttributeError:
            link = Link(self._open, self._check)
            with self._lock:
                self._links.add(link)
            self._local.link = link
        return link

    def close(self) -> None:
        self._closed = True
        with self._lock:
            links = list(self._links)
        for link in links:
            link.close()

    def hold(self) -> list[Link]:
        """Close all links, and keep them and the list of them closed until :meth:`release`."""
        self._lock.acquire()
        links = list(self._links)
        for link in links:
            link.hold()
        return links

    def release(self, links: list[Link]) -> None:
        for link in links:
            link.release()
        self._lock.release()


_FORKING = threading.Lock()
_ALL: weakref.WeakSet[Connections] = weakref.WeakSet()
_HELD: list[tuple[Connections, list[Link]]] = []


def _before_fork() -> None:
    _FORKING.acquire()
    _HELD.extend((connections, connections.hold()) for connections in list(_ALL))


def _after_fork() -> None:
    # Runs in the thread that called fork, in the parent and in the child, which both hold what it took.
    while _HELD:
        connections, links = _HELD.pop()
        connections.release(links)
    _FORKING.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork)
