"""Numbers for the operator: what happened, what was not judged, whether this server's clock is right (D22, D26, D37).

Each worker counts for itself. Nothing here decides anything, and a hook that fails fails no request.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from statistics import median_low
from typing import TYPE_CHECKING, Protocol

from wsgi_mfa.core.decision import Outcome
from wsgi_mfa.core.events import Event
from wsgi_mfa.core.instants import HOUR
from wsgi_mfa.errors import ConfigurationError

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

__all__ = ["COUNTERS", "GAUGES", "Metrics", "PrometheusMetrics"]

logger = logging.getLogger("wsgi_mfa")

#: What is counted: name -> (the name of its label, what it says).
COUNTERS = {
    "events": ("kind", "Events on record, by their kind."),
    "unjudged": ("outcome", "Codes that were not judged: while locked, used up, or refused."),
    "incidents": ("kind", "Loads of an account that was edited in the store, or cannot be read."),
    "spray_alerts": ("scope", "Alerts of wrong codes from one source, or from all."),
}
#: What is measured: name -> what it says.
GAUGES = {
    "code_steps_off": "Median of how many steps the latest accepted code of each user was off this server's step.",
}
_UNJUDGED = frozenset({Outcome.LOCKED, Outcome.USED_CODE, Outcome.REFUSED})
_USERS_MAX = 101
_USERS_MIN = 11  # fewer phones than that may all be off together


class Metrics(Protocol):
    """A hook that takes the numbers; called from every thread that deals with requests."""

    def count(self, name: str, label: str) -> None:
        """One more of ``name``, a key of :data:`COUNTERS`, for this value of its label."""
        ...

    def measure(self, name: str, value: float) -> None:
        """The present value of ``name``, a key of :data:`GAUGES`."""
        ...


class PrometheusMetrics:
    """The hook for ``prometheus-client`` (``wsgi-mfa[metrics]``): ``wsgi_mfa_events_total{kind="..."}`` and so on.

    The portal serves the numbers in its own way; with several processes see its multiprocess mode.

    :raises ConfigurationError: ``prometheus-client`` is not installed.
    """

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        try:
            from prometheus_client import REGISTRY, Counter, Gauge
        except ImportError:
            raise ConfigurationError(
                "metrics: prometheus-client is missing; install wsgi-mfa[metrics]", setting="metrics"
            ) from None
        registry = registry or REGISTRY
        self._counters = {
            name: Counter(f"wsgi_mfa_{name}", text, [label], registry=registry)
            for name, (label, text) in COUNTERS.items()
        }
        self._gauges = {
            name: Gauge(f"wsgi_mfa_{name}", text, registry=registry, multiprocess_mode="mostrecent")
            for name, text in GAUGES.items()
        }

    def count(self, name: str, label: str) -> None:
        self._counters[name].labels(label).inc()

    def measure(self, name: str, value: float) -> None:
        self._gauges[name].set(value)


class Meter:
    """What a worker counts, whether somebody takes the numbers or not."""

    def __init__(self, hook: Metrics | None = None) -> None:
        self._hook = hook
        self._steps_off: OrderedDict[str, int] = OrderedDict()
        self._alerted_at: int | None = None
        self._lock = threading.Lock()

    def happened(self, event: Event) -> None:
        """Count an event that is on record; an accepted code also tells of this server's clock."""
        self._count("events", event.kind)
        steps = dict(event.details).get("steps_off")
        if steps is not None:
            self._code_was_off(event.user, int(steps), event.at)

    def answered(self, outcome: Outcome) -> None:
        """Count an answer that changed nothing, if it was to a code that was not judged."""
        if outcome in _UNJUDGED:
            self._count("unjudged", outcome.value)

    def alerted(self, scope: str) -> None:
        """Count an alert of a spray, whose ``scope`` is ``source`` or ``all``."""
        self._count("spray_alerts", scope)

    def incident(self, kind: str) -> None:
        """Count a load of an account that is closed since it is not what was saved."""
        self._count("incidents", kind)

    def _code_was_off(self, user: str, steps: int, now: int) -> None:
        with self._lock:
            self._steps_off[user] = steps
            self._steps_off.move_to_end(user)
            if len(self._steps_off) > _USERS_MAX:
                self._steps_off.popitem(last=False)
            users_count, median = len(self._steps_off), median_low(self._steps_off.values())
            due = users_count >= _USERS_MIN and median != 0 and self._is_due(now)
        self._measure("code_steps_off", median)
        if due:
            logger.error(
                "the codes of %d users are %+d steps off in the median: is this server's clock right?",
                users_count,
                median,
            )

    def _is_due(self, now: int) -> bool:
        if self._alerted_at is not None and 0 <= now - self._alerted_at < HOUR:
            return False
        self._alerted_at = now
        return True

    def _count(self, name: str, label: str) -> None:
        if self._hook is not None:
            try:
                self._hook.count(name, label)
            except Exception:
                logger.exception("metrics: %s could not be counted", name)

    def _measure(self, name: str, value: float) -> None:
        if self._hook is not None:
            try:
                self._hook.measure(name, value)
            except Exception:
                logger.exception("metrics: %s could not be measured", name)
