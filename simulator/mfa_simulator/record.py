"""The record of a step: what was sent and what was seen while it was played."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mfa_simulator.browser import Browser
    from mfa_simulator.http import Request, Response
    from mfa_simulator.network import Exchange
    from mfa_simulator.reading import Sight
    from mfa_simulator.visitor import Visitor
    from wsgi_mfa import Event


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """One request that reached a worker, whether its reply was seen or not; `at` is an instant of true time.

    `clock_error` is by how much the worker's clock was ahead then, in microseconds.
    """

    at: int
    worker: int
    clock_error: int
    request: Request
    response: Response


@dataclass(kw_only=True, slots=True)
class Record:
    """What came up in one step.

    `tabs` are the windows that steps at the same time open in one browser. `finish` carries the verb to its end from
    the reply to its deciding request on, and `must` holds the outcomes one of which the verb must come to.
    """

    exchanges: list[Exchange] = field(default_factory=list)
    sights: list[Sight] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    deliveries: list[Delivery] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    tabs: dict[str, Browser] = field(default_factory=dict)
    finish: Callable[[Visitor], str] | None = None
    must: tuple[str, ...] | None = None


# Steps that happen at the same time run in contexts of their own, and so each has a record of its own.
_current: ContextVar[Record] = ContextVar("record")


def start_record() -> Record:
    """Begin a record for the step that is played now."""
    record = Record()
    _current.set(record)
    return record


def record() -> Record:
    """Give the record of the step that is played now."""
    return _current.get()


class _Notes(logging.Handler):
    def emit(self, entry: logging.LogRecord) -> None:
        current = _current.get(None)
        if current is not None:
            error = f" ({entry.exc_info[1]!r})" if entry.exc_info else ""
            current.remarks.append(f"log {entry.levelname.lower()}: {entry.getMessage()}{error}")


@contextmanager
def noting_logs(name: str) -> Iterator[None]:
    """Put what a logger warns of into the record of the step, where a failure shows it."""
    logger, notes = logging.getLogger(name), _Notes(logging.WARNING)
    logger.addHandler(notes)
    try:
        yield
    finally:
        logger.removeHandler(notes)
