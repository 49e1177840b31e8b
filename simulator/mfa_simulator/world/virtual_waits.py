"""Waiting in virtual time: an application that sleeps lets true time pass, and costs none of ours.

`time.sleep()` in a thread that answers, and event loops that are made while time is frozen, move true time along
instead of waiting. What waits for another thread still waits for it.
"""

from __future__ import annotations

import asyncio.selector_events
import contextvars
import selectors
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from mfa_simulator.language.quantities import SECOND

#: Real seconds that an event loop gives to other threads before its timers let virtual time pass.
GRACE_SECONDS = 0.02
_real_sleep = time.sleep
_movers: dict[int, Callable[[int], object]] = {}


@contextmanager
def passing(wait: Callable[[int], object]) -> Iterator[None]:
    """Let what this thread serves, and event loops that it starts, wait by `wait`, which takes microseconds."""
    ident, context = threading.get_ident(), contextvars.copy_context()
    outer = _movers.get(ident)
    # In a copy of this context, since an event loop may run in a thread of its own.
    _movers[ident] = lambda span: context.copy().run(wait, span)
    try:
        yield
    finally:
        if outer is None:
            del _movers[ident]
        else:
            _movers[ident] = outer


@contextmanager
def virtual_waits(otherwise: Callable[[int], object]) -> Iterator[None]:
    """Put virtual waits in the place of real ones; event loops outside of any request wait by `otherwise`."""
    loop = asyncio.selector_events.BaseSelectorEventLoop
    made = loop.__init__

    def with_virtual_selector(self: Any, selector: Any = None) -> None:  # noqa: ANN401  # as the class has it
        made(self, _VirtualSelector(selector or selectors.DefaultSelector(), otherwise))

    loop.__init__ = with_virtual_selector  # type: ignore[method-assign]
    time.sleep = _sleep  # type: ignore[assignment]  # whatever rounds to a whole number
    try:
        yield
    finally:
        loop.__init__ = made  # type: ignore[method-assign]
        time.sleep = _real_sleep


def _sleep(seconds: float) -> None:
    mover = _movers.get(threading.get_ident())
    if mover is None or seconds < 0:
        _real_sleep(seconds)  # outside of any request, or an error that Python words
    else:
        mover(round(seconds * SECOND))


class _VirtualSelector(selectors.BaseSelector):
    """A selector whose time-outs pass in virtual time."""

    def __init__(self, inner: selectors.BaseSelector, otherwise: Callable[[int], object]) -> None:
        self._inner = inner
        self._otherwise = otherwise

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:  # noqa: ANN401
        return self._inner.register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:  # noqa: ANN401
        return self._inner.unregister(fileobj)

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:  # noqa: ANN401
        return self._inner.modify(fileobj, events, data)

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._inner.get_map()

    def close(self) -> None:
        self._inner.close()

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None or timeout <= 0:
            return self._inner.select(timeout)
        ready = self._inner.select(min(timeout, GRACE_SECONDS))
        if not ready:
            mover = _movers.get(threading.get_ident()) or next(reversed(_movers.values()), self._otherwise)
            # A microsecond more than asked for: a timer is due only once its moment has passed.
            mover(round(timeout * SECOND) + 1)
        return ready
