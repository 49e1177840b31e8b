"""SQLite connections that belong to one process and one thread, and are never carried over a fork (D32).

A forked child inherits what SQLite knows of its locks, but not the locks: a child that goes on while its parent
has the file open would believe that it holds one, and a third process could take the write-ahead log away from
under it. So every connection is closed before a fork, and each side opens its own when it next needs one.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import weakref
from collections.abc import Callable

from wsgi_mfa.errors import StoreUnavailableError


class Link:
    """The connection of one thread: ``with link as connection`` opens it if need be and holds off a fork."""

    __slots__ = ("__weakref__", "_connection", "_lock", "_open", "_pid")

    def __init__(self, open_connection: Callable[[], sqlite3.Connection]) -> None:
        self._open = open_connection
        self._connection: sqlite3.Connection | None = None
        self._lock = threading.Lock()
        self._pid = 0

    def __enter__(self) -> sqlite3.Connection:
        self._lock.acquire()
        try:
            if self._connection is None:
                self._pid = os.getpid()
                self._connection = self._open()
            elif self._pid != os.getpid():
                raise StoreUnavailableError(
                    "this process was forked past Python while the store was open: fork first, or close the store"
                )
        except BaseException:
            self._lock.release()
            raise
        return self._connection

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: object) -> None:
        # After an error the state of the connection is not known; the next use opens a fresh one.
        if kind is not None:
            self._drop()
        self._lock.release()

    def close(self) -> None:
        with self._lock:
            self._drop()

    def hold(self) -> None:
        """Close, and let nobody open before :meth:`release`: what a fork needs."""
        self._lock.acquire()
        self._drop()

    def release(self) -> None:
        self._lock.release()

    def __del__(self) -> None:
        self._drop()

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None and self._pid == os.getpid():
            connection.close()  # rolls back what was not committed


class Connections:
    """All the links of one store; ``mine()`` is the one of the calling thread."""

    def __init__(self, open_connection: Callable[[], sqlite3.Connection]) -> None:
        self._open = open_connection
        self._local = threading.local()
        self._links: weakref.WeakSet[Link] = weakref.WeakSet()
        self._lock = threading.Lock()
        self._closed = False
        with _FORKING:
            _ALL.add(self)

    def mine(self) -> Link:
        """The link of this thread.

        :raises StoreUnavailableError: the store was closed.
        """
        if self._closed:
            raise StoreUnavailableError("the store is closed")
        try:
            link: Link = self._local.link
        except AttributeError:
            link = Link(self._open)
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
