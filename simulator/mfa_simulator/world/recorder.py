"""The record of a step: what was sent and what was seen while it was played."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from mfa_simulator.world.http import Request, Response
from mfa_simulator.world.reply_reader import PageState

if TYPE_CHECKING:
    from wsgi_mfa import Event

#: Carries a verb to its end after the reply to its deciding request. It is called with the user actor, whose class
#: stands above this module and is therefore not named here.
Finish: TypeAlias = "Callable[..., str]"


@dataclass(frozen=True, kw_only=True, slots=True)
class Exchange:
    """One request and what became of it.

    `about` is the form field that the request is about, or an empty text; `sent_at` an instant of true time.
    `served` is what the server answered, `seen` what the browser got; None for nothing.
    """

    request: Request
    about: str
    sent_at: int
    served: Response | None
    seen: Response | None

    @property
    def summary(self) -> str:
        """Which request it was and what came back, in words."""
        reply = self.seen.summary if self.seen is not None else "no reply"
        if self.seen is None and self.served is not None:
            reply += f" (the server had answered {self.served.summary})"
        return f"{self.request.method} {self.request.path} {reply}"


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
class StepRecord:
    """The traffic, events and remarks of one step.

    `finish` carries the verb to its end from the reply to its deciding request on, and `must` holds the outcomes one
    of which the verb must come to.
    """

    exchanges: list[Exchange] = field(default_factory=list)
    page_states: list[PageState] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    deliveries: list[Delivery] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    finish: Finish | None = None
    must: tuple[str, ...] | None = None


class Recorder:
    """Holds the record of the step that is played; the parts of one world share one recorder.

    Steps at the same time run in contexts of their own, so each has its own record. A thread that a step starts in a
    copy of its context writes into the record of that step.
    """

    def __init__(self) -> None:
        self._current: ContextVar[StepRecord] = ContextVar("record")

    @property
    def current(self) -> StepRecord:
        """The record of the step that is played now; raises LookupError between steps."""
        return self._current.get()

    @contextmanager
    def recording(self) -> Iterator[StepRecord]:
        """Open a record for one step."""
        record = StepRecord()
        token = self._current.set(record)
        try:
            yield record
        finally:
            # A context keeps each variable that is set in it: without the reset it would keep every world.
            self._current.reset(token)

    @contextmanager
    def noting_logs(self, name: str) -> Iterator[None]:
        """Put the warnings of a logger into the record of the step, where a failure shows them."""
        logger, notes = logging.getLogger(name), _LogNotes(self._note)
        logger.addHandler(notes)
        try:
            yield
        finally:
            logger.removeHandler(notes)

    def _note(self, text: str) -> None:
        current = self._current.get(None)
        if current is not None:
            current.remarks.append(text)


class _LogNotes(logging.Handler):
    def __init__(self, note: Callable[[str], None]) -> None:
        super().__init__(logging.WARNING)
        self._note = note

    def emit(self, entry: logging.LogRecord) -> None:
        error = f" ({entry.exc_info[1]!r})" if entry.exc_info else ""
        self._note(f"log {entry.levelname.lower()}: {entry.getMessage()}{error}")
