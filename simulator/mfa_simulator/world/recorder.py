"""The record of a step: what was sent and what was seen while it was played."""

from __future__ import annotations

import hashlib
import logging
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from mfa_simulator.world.ends import Ends
from mfa_simulator.world.http import Request, Response
from mfa_simulator.world.reply_reader import PageState

if TYPE_CHECKING:
    from wsgi_mfa import Event

#: The fields of which the first one sent decides what a step is about.
CODES = ("code", "recovery_code")
REMARKS_MAX = 20
PAGES_MAX = 8

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

    @property
    def is_judged(self) -> bool:
        """Whether the server looked at a code: it refused it as such (422), or led on from there."""
        served = self.served
        if served is None or self.request.method != "POST" or self.about in ("saved", "password"):
            return False
        location = (served.header("Location") or "").partition("?")[0]
        leads_on = location.endswith(("/continue", "/recovery-code")) or served.status == 200
        return self.request.path.startswith("/mfa/") and (served.status == 422 or leads_on)


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
    """The traffic, events and remarks of one step; of many it keeps the ends, and counts.

    `finish` carries the verb to its end from the reply to its deciding request on, and `must` holds the outcomes one
    of which the verb must come to. `evaluated` counts the codes that were looked at; `app_called` and `as_user` say
    whether the portal was called, and called for a user, from the first code that was sent on.
    """

    exchanges: Ends[Exchange] = field(default_factory=Ends)
    page_states: deque[PageState] = field(default_factory=lambda: deque(maxlen=PAGES_MAX))
    events: Ends[Event] = field(default_factory=lambda: Ends(100))
    kinds: dict[str, int] = field(default_factory=dict)
    deliveries: Ends[Delivery] = field(default_factory=Ends)
    remarks: list[str] = field(default_factory=list)
    crashes: list[str] = field(default_factory=list)
    finish: Finish | None = None
    must: tuple[str, ...] | None = None
    evaluated: int = 0
    app_called: bool = False
    as_user: bool = False
    recovery_code_shown: bool = False
    _codes_sent: int = 0
    _between: hashlib._Hash = field(default_factory=hashlib.sha256)

    def exchanged(self, exchange: Exchange) -> None:
        """Note a request and what became of it."""
        served = exchange.served
        if exchange.about in CODES:
            self._codes_sent += 1
            if self._codes_sent == 1:
                self.app_called = self.as_user = False
        self.evaluated += exchange.is_judged
        if served is not None:
            self.app_called |= served.from_app
            self.as_user |= served.user_seen is not None
            if served.crash is not None and len(self.crashes) < REMARKS_MAX:
                self.crashes.append(served.crash)
        gone = self.exchanges.append(exchange)
        if gone is not None:
            reply = gone.served
            self._between.update(repr((gone.request, reply and (reply.status, reply.headers))).encode())
            self._between.update(reply.body if reply is not None else b"")

    def saw(self, page_state: PageState) -> None:
        """Note what a browser shows."""
        self.recovery_code_shown |= page_state.recovery_code is not None
        self.page_states.append(page_state)

    def saved(self, event: Event) -> None:
        """Note an event that is on record."""
        self.kinds[event.kind] = self.kinds.get(event.kind, 0) + 1
        self.events.append(event)

    def remark(self, text: str) -> None:
        """Note something that a failure of this step shows."""
        if len(self.remarks) < REMARKS_MAX:
            self.remarks.append(text)

    @property
    def event_kinds(self) -> tuple[str, ...]:
        """The kinds of the events, each as often as it was noted where there are not too many."""
        kept = [event.kind for event in self.events]
        return (*kept, *(kind for kind in self.kinds if kind not in kept))

    @property
    def between(self) -> str:
        """A digest of the requests and replies that were not kept; empty when all were."""
        return self._between.hexdigest() if self.exchanges.left_out else ""


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
            current.remark(text)


class _LogNotes(logging.Handler):
    def __init__(self, note: Callable[[str], None]) -> None:
        super().__init__(logging.WARNING)
        self._note = note

    def emit(self, entry: logging.LogRecord) -> None:
        error = f" ({entry.exc_info[1]!r})" if entry.exc_info else ""
        self._note(f"log {entry.levelname.lower()}: {entry.getMessage()}{error}")
