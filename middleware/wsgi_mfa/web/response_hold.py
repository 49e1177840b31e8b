"""Watching what the application answers: passed on untouched, or held because it signs somebody in (D3, D34).

The application's own iterable is handed back whenever it has called ``start_response`` by the time it returns,
so that streaming, ``write()``, ``close()`` and the server's ``file_wrapper`` stay the server's affair (R67-R69).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from wsgi_mfa.clock import Clock
from wsgi_mfa.core.instants import SECOND

if TYPE_CHECKING:
    from _typeshed import OptExcInfo
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

Headers = list[tuple[str, str]]
#: What is to become of a response with this status and these headers: the headers to send, or an application to
#: answer instead.
Judge = Callable[[str, Headers], "tuple[Headers, WSGIApplication | None]"]

DRAWN_BYTES_MAX = 1024 * 1024  # a held body is drawn to its end, within bounds, then thrown away (D34)
DRAWN_SECONDS_MAX = 5


class DirectoryNeededError(Exception):
    """A response can be judged only by asking the directory, which waits until the application has answered."""


class ResponseHold:
    """Stands between one call of the application and the server's ``start_response``."""

    def __init__(self, judge: Judge, start_response: StartResponse) -> None:
        self._judge = judge
        self._start_response = start_response
        self._passed = False
        self._held = False
        self._instead: WSGIApplication | None = None
        self._deferred: tuple[str, Headers] | None = None
        self._written: list[bytes] = []
        self.started = False

    @property
    def is_deferred(self) -> bool:
        """Whether the response is to be judged once it has ended."""
        return self._deferred is not None

    def start_response(
        self, status: str, headers: Headers, exc_info: OptExcInfo | None = None, /
    ) -> Callable[[bytes], object]:
        """The callable that the application gets; ``exc_info`` is handed on and not kept (R68).

        :raises AssertionError: a second call without ``exc_info`` (PEP 3333).
        :raises BaseException: the one in ``exc_info``, where it comes too late for another response.
        """
        try:
            if self.started and exc_info is None:
                raise AssertionError("start_response was called twice without exc_info (PEP 3333)")
            self.started = True
            if not self._held:
                self._deferred = None
                self._written.clear()
                try:
                    headers, instead = self._judge(status, headers)
                except DirectoryNeededError:
                    if not self._passed:
                        self._deferred, self._instead = (status, headers), None
                        return self._written.append
                    instead = _nothing
                if instead is None:
                    self._instead, self._passed = None, True
                    if exc_info is None:
                        return self._start_response(status, headers)
                    return self._start_response(status, headers, exc_info)
                if not self._passed:
                    self._instead = instead
                    return _swallow
            # What is held for good is as good as sent, and what was passed on can no longer be held.
            error = exc_info[1] if exc_info is not None else None
            raise error or AssertionError("start_response was called too late with an empty exc_info")
        finally:
            # The traceback of what is raised here leads to this frame: together they would be a cycle.
            exc_info = error = None

    def decided(self, judge: Judge, drawn: Iterable[bytes]) -> Iterable[bytes]:
        """Judge a deferred response whose body is ``drawn``; return the body of the one that passes."""
        if self._deferred is None:  # another response took its place while the body was drawn
            return drawn
        status, headers = self._deferred
        headers, self._instead = judge(status, headers)
        self._deferred = None
        if self._instead is None:
            self._passed = True
            self._start_response(status, headers)
        return Resumed(self._written, iter(drawn), drawn) if self._written else drawn

    def held(self) -> WSGIApplication | None:
        """What answers in place of the response, from now on for good; None when it was passed on."""
        self._held = self._instead is not None
        return self._instead


def _nothing(_: WSGIEnvironment, __: StartResponse) -> Iterable[bytes]:
    """Answer for a response that comes too late to be held; it is never called."""
    raise AssertionError("a response was answered twice")


def _swallow(data: bytes) -> None:
    """The ``write()`` of a response that is held: nothing of it may reach the client (R72)."""


def first_drawn(iterable: Iterable[bytes], observer: ResponseHold) -> Iterable[bytes]:
    """Draw chunks until the application has started its response, and hand back what yields all of them (D34)."""
    drawn: list[bytes] = []
    try:
        iterator = iter(iterable)
        while not observer.started:
            drawn.append(next(iterator))
    except StopIteration:
        pass
    except BaseException:
        close(iterable)
        raise
    return Resumed(drawn, iterator, iterable)


def drawn_within_bounds(iterable: Iterable[bytes], clock: Clock) -> Iterable[bytes]:
    """Return the body, drawn to its end and closed; one that is too long goes on behind what was drawn of it."""
    until = clock.now() + DRAWN_SECONDS_MAX * SECOND
    drawn: list[bytes] = []
    size = 0
    try:
        iterator = iter(iterable)
        for chunk in iterator:
            drawn.append(chunk)
            size += len(chunk)
            if size > DRAWN_BYTES_MAX or clock.now() > until:
                return Resumed(drawn, iterator, iterable)
    except BaseException:
        close(iterable)
        raise
    close(iterable)
    return drawn


class Resumed:
    """An iterable of which the first chunks were drawn: yields chunk for chunk, and closes once (R69)."""

    def __init__(self, drawn: list[bytes], rest: Iterator[bytes], iterable: Iterable[bytes]) -> None:
        self._drawn = drawn
        self._rest = rest
        self._iterable = iterable

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        return self._drawn.pop(0) if self._drawn else next(self._rest)

    def close(self) -> None:
        close(self._iterable)


def thrown_away(iterable: Iterable[bytes], clock: Clock) -> None:
    """Draw a held body to its end, so that the application finishes its work, then close it."""
    until = clock.now() + DRAWN_SECONDS_MAX * SECOND
    drawn_bytes = 0
    try:
        for chunk in iterable:
            drawn_bytes += len(chunk)
            if drawn_bytes > DRAWN_BYTES_MAX or clock.now() > until:
                break
    finally:
        close(iterable)


def close(iterable: Iterable[bytes]) -> None:
    closing = getattr(iterable, "close", None)
    if closing is not None:
        closing()
